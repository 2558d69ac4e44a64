export { SafetensorsError, readSafetensors, writeSafetensors } from './safetensors.ts';
export type { SafetensorsEntry, SafetensorsFile, SafetensorsTensor } from './safetensors.ts';
