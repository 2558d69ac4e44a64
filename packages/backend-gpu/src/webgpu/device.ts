import type { Device, Memory, Run } from '../device.ts';
import type { GpuContext, GpuJs } from '../gpu-js.ts';
import { Kept } from '../kept.ts';
import type { Program } from '../program.ts';
import { BufferPool } from './pool.ts';
import type { Block } from './pool.ts';
import { translator } from './translate.ts';
import type { Translated } from './translate.ts';

// Numbers that WebGPU's specification fixes; the globals that name them are missing in Node.
const COMPUTE = 4;
const USAGE = { mapRead: 1, copySource: 4, copyDestination: 8, uniform: 64, storage: 128 };
const MAP_READ = 1;

/** Runs that a batch of commands holds at most: enough to share the cost of a submission, few enough that the GPU starts early. */
const BATCH = 64;
/** Bytes of numbers a batch of commands can pass. */
const NUMBERS = 64 << 10;
/** What to do about an error. */
const SMALLER =
  'Make a new backend with `await gpu()` and load the model from its last checkpoint; then compute in smaller batches, or dispose of more tensors.';
const OURS = 'This is a defect of @receptive/backend-gpu or of the driver. Results since then are not to be trusted.';
/** Bytes that unused buffers may keep beside those in use: for tensors, and for reading. */
const SPARE = 240 << 20;
const SPARE_STAGING = 16 << 20;
/** Compiled programs to keep. */
const PROGRAMS = 1024;

/** A buffer and who holds it. */
interface Held extends Memory {
  readonly block: Block;
  holds: number;
}

interface Compiled extends Translated {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Who has a batch open on a device that several share: scopes of errors nest, and would otherwise catch each other's. */
const encoding = new WeakMap<GPUDevice, { close(): void }>();

/** Commands that have been encoded and not yet submitted. */
interface Batch {
  readonly encoder: GPUCommandEncoder;
  readonly pass: GPUComputePassEncoder;
  runs: number;
}

/**
 * WebGPU. Runs are encoded into batches, which are submitted when they are full or somebody waits. Errors come late: the first one rejects whoever waits next.
 */
export class WebGpuDevice implements Device {
  readonly mode = 'webgpu';
  readonly readSync = undefined;
  readonly maximumLength: number;
  readonly #adapter: GPUAdapter;
  readonly #device: GPUDevice;
  readonly #translate: (program: Program) => Translated;
  readonly #release: () => void;
  readonly #pool: BufferPool;
  readonly #staging: BufferPool;
  readonly #programs = new Kept(PROGRAMS, (program: Program) => this.#compiled(program));
  /** What the batch's runs are told: words, in slots as far apart as the device wants offsets to be. */
  readonly #numbers: GPUBuffer;
  readonly #words = new ArrayBuffer(NUMBERS);
  readonly #integers = new Int32Array(this.#words);
  readonly #floats = new Float32Array(this.#words);
  readonly #slot: number;
  #used = 0;
  #batch: Batch | undefined;
  #batches = 0;
  #error: Error | undefined;
  /** Settles when the errors of all batches that have been submitted are known. */
  #reports: Promise<void> = Promise.resolve();
  #disposed = false;

  /** `release` is called once, when the device is given up. */
  constructor(gpuJs: GpuJs, { adapter, device }: GpuContext, release: () => void) {
    this.#adapter = adapter;
    this.#device = device;
    this.#release = release;
    this.#translate = translator(gpuJs);
    const { maxStorageBufferBindingSize, maxBufferSize, minUniformBufferOffsetAlignment } = device.limits;
    this.maximumLength = Math.floor(Math.min(maxStorageBufferBindingSize, maxBufferSize) / 4);
    const most = this.maximumLength * 4;
    this.#slot = minUniformBufferOffsetAlignment;
    this.#pool = new BufferPool(device, USAGE.storage | USAGE.copySource | USAGE.copyDestination, most, SPARE);
    this.#staging = new BufferPool(device, USAGE.mapRead | USAGE.copyDestination, most, SPARE_STAGING);
    this.#numbers = device.createBuffer({ size: NUMBERS, usage: USAGE.uniform | USAGE.copyDestination });
    void this.#watch();
  }

  describe(): string {
    const { vendor, architecture, description } = this.#adapter.info;
    const name = description || [vendor, architecture].filter(Boolean).join(' ') || 'an adapter without a name';
    return `webgpu on ${name}, tensors of up to ${Math.floor((this.maximumLength * 4) / 2 ** 20)} MiB`;
  }

  upload(data: Float32Array): Memory {
    this.#check();
    this.#open(0); // whatever goes wrong from here on is told by the batch
    const memory = this.#take(data.length, 'uploading');
    // Copies happen before the batch that is being encoded, which may still use the buffer as it was.
    if (memory.block.batch === this.#batches) {
      this.#submit();
      this.#open(0);
    }
    this.#device.queue.writeBuffer(memory.block.buffer, 0, data);
    return memory;
  }

  run({ program, reads, values, length, groups }: Run): Memory {
    this.#check();
    this.#open(0); // whatever goes wrong from here on is told by the batch
    const { pipeline, layout, head, threads } = this.#programs.get(program);
    const bytes = Math.max(16, (head + values.length) * 4);
    const batch = this.#open(bytes);
    const offset = this.#used;
    this.#used += Math.ceil(bytes / this.#slot) * this.#slot;

    const [x, y] = this.#rows(groups ?? Math.ceil(length / threads!));
    if (threads !== undefined) {
      const memories = (reads as Held[]).flatMap(({ block }) => [block.bytes / 4, 1, 1, block.bytes / 4]);
      this.#integers.set([length, 1, 1, x * threads, ...memories], offset / 4);
    }
    const { integers } = program;
    values.forEach((value, i) => {
      (i < integers.length ? this.#integers : this.#floats)[offset / 4 + head + i] = value;
    });

    const out = this.#take(length, program.name);
    const blocks = [...(reads as Held[]).map(({ block }) => block), out.block];
    for (const block of blocks) block.batch = this.#batches;
    const bindings = this.#device.createBindGroup({
      label: program.name,
      layout,
      entries: [
        { binding: 0, resource: { buffer: this.#numbers, offset, size: Math.ceil(bytes / 16) * 16 } },
        ...blocks.map(({ buffer }, i) => ({ binding: i + 1, resource: { buffer } })),
      ],
    });
    batch.pass.setPipeline(pipeline);
    batch.pass.setBindGroup(0, bindings);
    batch.pass.dispatchWorkgroups(x, y);
    if (++batch.runs >= BATCH) this.#submit();
    return out;
  }

  share(memory: Memory): Memory {
    (memory as Held).holds++;
    return memory;
  }

  release(memory: Memory): void {
    const held = memory as Held;
    if (--held.holds === 0 && !this.#disposed) this.#pool.give(held.block);
  }

  async read(memory: Memory, length: number): Promise<Float32Array> {
    this.#check();
    const bytes = length * 4;
    const { encoder, pass } = this.#open(0);
    const staging = this.#staging.take(bytes, 'reading');
    pass.end();
    encoder.copyBufferToBuffer((memory as Held).block.buffer, 0, staging.buffer, 0, bytes);
    this.#finish(encoder);
    const reports = this.#reports;
    let data: Float32Array;
    try {
      await staging.buffer.mapAsync(MAP_READ, 0, bytes);
      data = new Float32Array(staging.buffer.getMappedRange(0, bytes).slice(0));
      staging.buffer.unmap();
    } catch (error) {
      this.#staging.drop(staging);
      await this.#settle();
      throw new Error('gpu: the result could not be read.', { cause: error });
    }
    this.#staging.give(staging);
    await reports;
    this.#check();
    return data;
  }

  async flush(): Promise<void> {
    this.#check();
    this.#submit();
    await this.#settle();
    // Meanwhile others may have gone on: what is encoded may use buffers that are free by now, and must have been submitted before these are destroyed.
    this.#submit();
    this.#pool.trim();
    this.#staging.trim();
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#submit();
    this.#fail(new Error('gpu: the backend was disposed of before what was asked of it was done.'));
    this.#numbers.destroy();
    this.#pool.dispose();
    this.#staging.dispose();
    this.#programs.clear();
    this.#release();
  }

  /** Throws what went wrong first, and again each time: whatever was computed since then is not to be trusted. */
  #check(): void {
    if (this.#error) throw this.#error;
  }

  #fail(error: Error): void {
    this.#error ??= error;
  }

  /** Waits until all that was submitted is done, and throws what went wrong. */
  async #settle(): Promise<void> {
    const reports = this.#reports;
    await this.#device.queue.onSubmittedWorkDone();
    await reports;
    this.#check();
  }

  /** Memory that is made for the program called `label`, unless there is some to use again. */
  #take(length: number, label: string): Held {
    return { block: this.#pool.take(length * 4, label), holds: 1 };
  }

  /** Workgroups in rows, where they are too many for one; the last row may go further than is needed. */
  #rows(groups: number): [length: number, rows: number] {
    const rows = Math.ceil(groups / this.#device.limits.maxComputeWorkgroupsPerDimension);
    return [Math.ceil(groups / rows), rows];
  }

  #compiled(program: Program): Compiled {
    let translated: Translated;
    try {
      translated = this.#translate(program);
    } catch (error) {
      throw new Error(`gpu: the kernel ${program.name} cannot be translated: ${(error as Error).message}`, {
        cause: error,
      });
    }
    const label = program.name;
    const reads = program.reads.length;
    const layout = this.#device.createBindGroupLayout({
      label,
      entries: Array.from({ length: reads + 2 }, (_, binding) => ({
        binding,
        visibility: COMPUTE,
        buffer: { type: binding === 0 ? 'uniform' : binding <= reads ? 'read-only-storage' : 'storage' },
      })),
    });
    const pipeline = this.#device.createComputePipeline({
      label,
      layout: this.#device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module: this.#device.createShaderModule({ label, code: translated.code }), entryPoint: 'main' },
    });
    return { ...translated, layout, pipeline };
  }

  /** The batch that is being encoded, with room for `bytes` of numbers. */
  #open(bytes: number): Batch {
    if (this.#used + bytes > NUMBERS) this.#submit();
    if (!this.#batch) {
      encoding.get(this.#device)?.close();
      encoding.set(this.#device, { close: () => this.#submit() });
      for (const kind of ['validation', 'out-of-memory', 'internal'] as const) this.#device.pushErrorScope(kind);
      const encoder = this.#device.createCommandEncoder();
      this.#batch = { encoder, pass: encoder.beginComputePass(), runs: 0 };
    }
    return this.#batch;
  }

  #submit(): void {
    if (!this.#batch) return;
    const { encoder, pass } = this.#batch;
    pass.end();
    this.#finish(encoder);
  }

  /** Submits what the batch's encoder holds. */
  #finish(encoder: GPUCommandEncoder): void {
    const { queue } = this.#device;
    if (this.#used > 0) queue.writeBuffer(this.#numbers, 0, this.#words, 0, this.#used);
    queue.submit([encoder.finish()]);
    this.#batch = undefined;
    this.#used = 0;
    this.#batches++;
    encoding.delete(this.#device);
    this.#reports = this.#report(this.#reports);
  }

  /** Waits for the errors of the batch that was submitted last, and `before` that, for those of the ones before it. */
  async #report(before: Promise<void>): Promise<void> {
    const device = this.#device;
    const scopes = Promise.all([device.popErrorScope(), device.popErrorScope(), device.popErrorScope()]);
    // A device that is lost has nothing to pop; the loss is told of by itself.
    const [internal, memory, validation] = await scopes.catch(() => []);
    await before;
    const error = memory ?? internal ?? validation;
    if (!error) return;
    const [message] = error.message.split('\n    at '); // leaves out where in Dawn's sources
    const [what, remedy] = memory ? ['is out of memory', SMALLER] : ['refused a command', OURS];
    this.#fail(new Error(`gpu: the GPU ${what}: ${message}\n${remedy}`));
  }

  async #watch(): Promise<void> {
    const { reason, message } = await this.#device.lost;
    this.#fail(
      new Error(
        `gpu: the GPU device was lost (${reason}${message ? `: ${message}` : ''}). What it held is gone: ` +
          'make a new backend with `await gpu()`, and load the model from its last checkpoint.',
      ),
    );
  }
}
