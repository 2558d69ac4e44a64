import { fork } from 'node:child_process';

/**
 * Runs a module in a fresh process of the Node at `executable`, and gives the one message that it sends. The process ends with this one.
 * @throws Error if it ends before it has sent any.
 */
export function outcomeOf<T>(executable: string, module: string, args: readonly string[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = fork(module, args, {
      execPath: executable,
      execArgv: [],
      serialization: 'advanced', // typed arrays arrive as such
    });
    const kill = (): boolean => child.kill('SIGKILL');
    process.once('exit', kill);
    let sent: { readonly message: T } | undefined;
    child.once('message', (message) => {
      sent = { message: message as T };
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      process.off('exit', kill);
      if (sent) resolve(sent.message);
      else reject(new Error(`${args.join(' ')} ended with code ${code} before it had a result.`));
    });
  });
}
