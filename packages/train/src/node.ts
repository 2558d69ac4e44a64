export { loadCheckpoint, saveCheckpoint } from './node/files.ts';
export { replaceFile } from './node/replace-file.ts';
