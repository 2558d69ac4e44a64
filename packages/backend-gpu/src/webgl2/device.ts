import type { Device, Memory, Run } from '../device.ts';
import type { GpuJs } from '../gpu-js.ts';
import { Kept } from '../kept.ts';
import type { Program } from '../program.ts';
import { TexturePool } from './textures.ts';
import type { Block } from './textures.ts';
import { Translator } from './translate.ts';
import type { Translated } from './translate.ts';

/** Compiled programs to keep. */
const PROGRAMS = 512;

/** How many milliseconds of a wait are spent asking all the time; thereafter the processor has better things to do. */
const PATIENCE = 20;

/** A texture and who holds it. */
interface Held extends Memory {
  readonly block: Block;
  holds: number;
}

/**
 * A context of WebGL2 that can render to float32 textures.
 * @throws Error that says what is missing.
 */
export function openContext(): WebGL2RenderingContext {
  if (typeof OffscreenCanvas === 'undefined') {
    throw new Error(
      'gpu: there is no WebGL2 here, only in browsers. Use WebGPU in Node: `await gpu({ mode: "webgpu" })`.',
    );
  }
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2', {
    alpha: false,
    antialias: false,
    depth: false,
    powerPreference: 'high-performance',
  });
  if (!gl) {
    throw new Error(
      'gpu: the browser gives no WebGL2 context. Hardware acceleration may be off, or the driver blocked: see chrome://gpu or about:support.',
    );
  }
  if (!gl.getExtension('EXT_color_buffer_float')) {
    throw new Error(
      'gpu: this GPU cannot render to float32 textures in WebGL2 (EXT_color_buffer_float). Use a CPU backend.',
    );
  }
  return gl;
}

/** What the GPU calls itself; software renderers are told by it. */
export function rendererOf(gl: WebGL2RenderingContext): string {
  const info = gl.getExtension('WEBGL_debug_renderer_info');
  return String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

/** A turn of the event loop. Timers would make it 4 ms and more; a message comes at once. */
function turn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}

/**
 * WebGL2. A memory is a texture, a run draws a rectangle of texels: one thread each. Errors are asked for only where somebody waits, since asking waits too.
 */
export class WebGl2Device implements Device {
  readonly mode = 'webgl2';
  readonly maximumLength: number;
  readonly #gl: WebGL2RenderingContext;
  readonly #pool: TexturePool;
  readonly #translator: Translator;
  readonly #programs: Kept<Program, Translated>;
  /** Floats that the driver gives for each texel that is read: one, or four where it must be RGBA. */
  readonly #channels: 1 | 4;
  #error: Error | undefined;
  #disposed = false;

  /** `programs` is how many compiled ones are kept. */
  constructor(gpuJs: GpuJs, gl: WebGL2RenderingContext, programs = PROGRAMS) {
    this.#gl = gl;
    this.#programs = new Kept(
      programs,
      (program: Program) => this.#translated(program),
      (translated) => translated.destroy(),
    );
    const most = Math.min(
      gl.getParameter(gl.MAX_TEXTURE_SIZE) as number,
      ...(gl.getParameter(gl.MAX_VIEWPORT_DIMS) as Int32Array),
    );
    // Indices are 32 bits wide.
    this.maximumLength = Math.min(most * most, 2 ** 31 - 1);
    this.#pool = new TexturePool(gl, most);
    this.#translator = new Translator(gpuJs, gl);
    for (const feature of [gl.BLEND, gl.DITHER, gl.DEPTH_TEST, gl.SCISSOR_TEST]) gl.disable(feature);

    const block = this.#pool.take(1);
    gl.bindFramebuffer(gl.FRAMEBUFFER, block.framebuffer);
    const format = gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_FORMAT) as number;
    const type = gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_TYPE) as number;
    this.#channels = format === gl.RED && type === gl.FLOAT ? 1 : 4;
    this.#pool.give(block);
  }

  describe(): string {
    const size = Math.floor((this.maximumLength * 4) / 2 ** 20);
    return `webgl2 on ${rendererOf(this.#gl)}, tensors of up to ${size} MiB`;
  }

  upload(data: Float32Array): Memory {
    this.#check();
    const gl = this.#gl;
    const memory = this.#take(data.length);
    const { texture, width } = memory.block;
    const rows = Math.floor(data.length / width);
    const rest = data.length - rows * width;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    if (rows > 0) gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, rows, gl.RED, gl.FLOAT, data);
    if (rest > 0) gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, rows, rest, 1, gl.RED, gl.FLOAT, data, rows * width);
    return memory;
  }

  run({ program, reads, values, length }: Run): Memory {
    this.#check();
    const gl = this.#gl;
    const translated = this.#programs.get(program);
    const out = this.#take(length);
    const { framebuffer, width } = out.block;
    const rows = Math.ceil(length / width);

    gl.useProgram(translated.program);
    gl.bindVertexArray(translated.vertices);
    for (const [unit, memory] of (reads as readonly Held[]).entries()) {
      const { block } = memory;
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, block.texture);
      gl.uniform2i(translated.reads[unit]!.size, block.width, block.height);
      gl.uniform3i(translated.reads[unit]!.dimensions, block.width * block.height, 1, 1);
    }
    for (const [i, value] of values.entries()) {
      if (i < program.integers.length) gl.uniform1i(translated.numbers[i]!, value);
      else gl.uniform1f(translated.numbers[i]!, value);
    }
    // The last row's texels beyond the output compute its first elements once more, and nobody reads them.
    gl.uniform3i(translated.dimensions, length, 1, 1);
    gl.uniform2i(translated.size, width, rows);
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.viewport(0, 0, width, rows);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
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
    const gl = this.#gl;
    const texels = this.#texels(memory, length);
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
    gl.bufferData(gl.PIXEL_PACK_BUFFER, texels.byteLength, gl.STREAM_READ);
    this.#readPixels(memory, length, 0);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    await this.#done();
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, buffer);
    gl.getBufferSubData(gl.PIXEL_PACK_BUFFER, 0, texels);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    gl.deleteBuffer(buffer);
    return this.#elements(texels, length);
  }

  readonly readSync = (memory: Memory, length: number): Float32Array => {
    this.#check();
    const texels = this.#texels(memory, length);
    this.#readPixels(memory, length, texels);
    this.#ask();
    return this.#elements(texels, length);
  };

  async flush(): Promise<void> {
    this.#check();
    await this.#done();
    this.#pool.trim();
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#error ??= new Error('gpu: the backend was disposed of before what was asked of it was done.');
    this.#programs.clear();
    this.#translator.dispose();
    this.#pool.dispose();
    // A page has few contexts, and collecting garbage may take long to find this one.
    this.#gl.getExtension('WEBGL_lose_context')?.loseContext();
  }

  /** Throws what went wrong. */
  #check(): void {
    if (!this.#error && this.#gl.isContextLost()) {
      this.#error = new Error(
        'gpu: the WebGL2 context was lost. What it held is gone: ' +
          'make a new backend with `await gpu()`, and load the model from its last checkpoint.',
      );
    }
    if (this.#error) throw this.#error;
  }

  /** Asks the machine what went wrong, which waits for it. */
  #ask(): void {
    this.#check();
    const gl = this.#gl;
    const code = gl.getError();
    if (code === gl.OUT_OF_MEMORY) {
      this.#error = new Error(
        'gpu: the GPU is out of memory. Compute in smaller batches, or dispose of what is not needed.',
      );
    } else if (code !== gl.NO_ERROR && code !== gl.CONTEXT_LOST_WEBGL) {
      this.#error = new Error(`gpu: WebGL2 reports error 0x${code.toString(16)}.`);
    }
    this.#check();
  }

  /** Waits until all commands so far are done. */
  async #done(): Promise<void> {
    const gl = this.#gl;
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    const start = performance.now();
    do {
      await (performance.now() - start < PATIENCE ? turn() : new Promise((resolve) => setTimeout(resolve)));
      this.#check();
    } while (gl.clientWaitSync(fence!, 0, 0) === gl.TIMEOUT_EXPIRED);
    gl.deleteSync(fence);
    this.#ask();
  }

  #take(length: number): Held {
    return { block: this.#pool.take(length), holds: 1 };
  }

  #translated(program: Program): Translated {
    if (program.kind !== 'script')
      throw new Error(`gpu: ${program.name} is a shader of WebGPU's; WebGL2 runs scripts only.`);
    try {
      return this.#translator.translate(program);
    } catch (error) {
      this.#check(); // nothing compiles in a context that is lost
      throw new Error(`gpu: the kernel ${program.name} cannot be compiled: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** Room for the rows that hold the first `length` elements. */
  #texels(memory: Memory, length: number): Float32Array {
    const { width } = (memory as Held).block;
    return new Float32Array(Math.ceil(length / width) * width * this.#channels);
  }

  /** Enqueues a copy of the rows that hold the first `length` elements: into an array at once, or to an offset of the buffer that is bound. */
  #readPixels(memory: Memory, length: number, into: Float32Array | 0): void {
    const gl = this.#gl;
    const { framebuffer, width } = (memory as Held).block;
    const format = this.#channels === 1 ? gl.RED : gl.RGBA;
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    // Two overloads, of which TypeScript cannot choose one for both.
    gl.readPixels(0, 0, width, Math.ceil(length / width), format, gl.FLOAT, into as Float32Array);
  }

  #elements(texels: Float32Array, length: number): Float32Array {
    const { length: floats } = texels;
    if (this.#channels === 1) return floats === length ? texels : texels.slice(0, length);
    return Float32Array.from({ length }, (_, i) => texels[i * 4]!);
  }
}
