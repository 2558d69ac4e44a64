import { readFile } from 'node:fs/promises';
import type { Module } from '@receptive/layers';
import { decodeCheckpoint } from '../checkpoint.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { CheckpointError } from '../errors.ts';
import { replaceFile } from './replace-file.ts';

/** What can be done about a failure of the file system, by its code. */
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: make room, or save somewhere else.',
  EDQUOT: 'Your share of the disk is used up: make room, or save somewhere else.',
  ENOENT: 'There is no such file or folder: correct the path, or create the folder first.',
  ENOTDIR: 'A part of the path is a file, not a folder: correct the path.',
  EISDIR: 'This is a folder: give the path of a file in it.',
  EACCES: 'Permission is denied: choose a place where you may read and write, or change its permissions.',
  EPERM: 'This is not permitted: choose a place where you may read and write, or change its permissions.',
  EROFS: 'The file system is read-only: choose another place.',
};

function failed(what: string, path: string, error: unknown): CheckpointError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new CheckpointError(`${path}: the checkpoint could not be ${what}. ${remedies[code] ?? message}`, {
    cause: error,
  });
}

/**
 * Writes a checkpoint, made by `encodeCheckpoint` or handed out by `fit`, so that whatever happens there is a whole file at `path`: the new one or the one
 * before.
 *
 * ```ts
 * await fit(model, train, { ..., checkpoint: { save: (bytes) => saveCheckpoint('run/model.safetensors', bytes) } });
 * ```
 * @throws CheckpointError naming the path and the remedy if it cannot be written; the file before is untouched.
 */
export async function saveCheckpoint(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await replaceFile(path, bytes);
  } catch (error) {
    throw failed('saved; an earlier one there is as it was', path, error);
  }
}

/**
 * Reads a checkpoint and, if a model is given, loads its weights.
 * @throws CheckpointError naming the path if there is no such file, it is truncated or no safetensors file, or it is of another model, which then is not
 * changed.
 */
export async function loadCheckpoint(path: string, model?: Module): Promise<Checkpoint> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw failed('read', path, error);
  });
  try {
    const checkpoint = decodeCheckpoint(bytes);
    model?.loadStateDict(checkpoint.weights);
    return checkpoint;
  } catch (error) {
    throw new CheckpointError(`${path}: ${(error as Error).message}`, { cause: error });
  }
}
