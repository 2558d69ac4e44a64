/** What a program is given: a network's name, its weights in the order of the layers (each layer's, then its biases), and the same as an ONNX file. */
export interface Files {
  readonly network: 'lenet5' | 'vgg16';
  readonly weight: (i: number) => { readonly shape: readonly number[]; readonly data: Float32Array };
  readonly onnx: string;
}

/** Makes a network ready, and returns a function that gives an image's logits. */
export type Open = (files: Files) => Promise<(image: Float32Array) => Promise<Float32Array>>;

/** What a program's process tells. */
export interface Ran {
  /** Milliseconds from the program's import to its first result. */
  readonly ms: number;
  /** The most memory that the process had, in bytes. */
  readonly memory: number;
  readonly output: Float32Array;
}

/** What it costs to have an engine at all, whatever its speed. What was not measured is null. */
export interface Cost {
  readonly engine: string;
  /** Milliseconds from the import to the first result of LeNet-5, in fresh processes: the median, the fastest and the slowest. */
  readonly start: { readonly ms: number; readonly min: number; readonly max: number } | null;
  /** The most memory of a process that classifies one image by VGG-16, in bytes; its weights are 553 million of them. */
  readonly memory: number | null;
  /** Bytes of a minified page that classifies by LeNet-5, with its WebAssembly, as they are and compressed; null where it is not for browsers. */
  readonly bundle: { readonly bytes: number; readonly gzip: number } | null;
}
