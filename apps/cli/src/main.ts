#!/usr/bin/env node
import { Interrupted } from './interrupt.ts';
import { program } from './program.ts';

/** What a shell reports for a program that wrote to a pipe which nobody reads any more. */
const BROKEN_PIPE = 141;

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? BROKEN_PIPE : 1);
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof Interrupted) {
    process.exitCode = error.exitCode;
  } else {
    const { message, stack } = error as Error;
    console.error(program.opts().debug ? stack : `error: ${message}`);
    process.exitCode = 1;
  }
}
