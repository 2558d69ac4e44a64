import { Command } from '@commander-js/extra-typings';
import { coordConv } from './coord-conv/command.ts';
import { deformable } from './deformable/command.ts';

const program = new Command('example').description('Small experiments that show what a layer is for.');

program.addCommand(coordConv);
program.addCommand(deformable);

try {
  await program.parseAsync();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
