// A process to be killed: what it does is said by its arguments.
import { access } from 'node:fs/promises';
import { reference } from '@receptive/backend/reference';
import { writeSafetensors } from '@receptive/formats';
import { setBackend } from '@receptive/tensor';
import { fit } from '@receptive/train';
import { loadCheckpoint, saveCheckpoint } from '@receptive/train/node';
import { demanding, network, stripes } from './fixtures.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** A file of a megabyte of one number, in which a mixture of two would be seen. */
function uniform(generation: number): Uint8Array {
  const data = new Float32Array(2 ** 18).fill(generation);
  return writeSafetensors([['weights', { shape: [data.length], data }]], { generation: String(generation) });
}

const tasks: Record<string, (path: string, argument: string) => Promise<void>> = {
  /** Saves generation after generation, from the one given on, for ever. */
  async save(path, first) {
    for (let generation = Number(first); ; generation++) {
      await saveCheckpoint(path, uniform(generation));
      say(String(generation));
    }
  },

  /** Saves once. */
  async once(path, generation) {
    await saveCheckpoint(path, uniform(Number(generation)));
  },

  /** Trains, saving after every step; goes on where an earlier process was killed. */
  async train(path) {
    setBackend(reference());
    const begun = await access(path).then(
      () => true,
      () => false,
    );
    const save = async (bytes: Uint8Array): Promise<void> => {
      await saveCheckpoint(path, bytes);
      say('saved');
    };
    const resume = begun ? { resume: await loadCheckpoint(path) } : {};
    await fit(network(), stripes(20), { ...demanding(), ...resume, checkpoint: { save, everySteps: 1 } });
    say('done');
  },
};

const [task = '', path = '', argument = ''] = process.argv.slice(2);
try {
  await tasks[task]!(path, argument);
} catch (error) {
  say(String(error));
  process.exitCode = 1;
}
