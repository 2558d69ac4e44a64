import { spawn } from 'node:child_process';

/** Counts, and leaves when the process that started it is gone: nobody can tell it so. */
const count = `
  const parent = process.ppid;
  for (let i = 0; ; i++) if (i % 1e7 === 0 && process.ppid !== parent) process.exit();
`;

/** Keeps so many cores busy until it is told to stop, each by a process of its own. */
export function keepBusy(cores: number): { stop(): void } {
  const programs = Array.from({ length: cores }, () => spawn(process.execPath, ['-e', count], { stdio: 'ignore' }));
  return {
    stop() {
      for (const program of programs) program.kill('SIGKILL');
    },
  };
}
