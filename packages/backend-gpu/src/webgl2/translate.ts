import type { Gpu, GpuFunction, GpuJs } from '../gpu-js.ts';
import type { Script } from '../program.ts';
import { functions, gpuFor, kernelOf } from '../scripts.ts';

/** A script as WebGL2 runs it: where everything goes that a run tells it. A uniform that it does not use is null. */
export interface Translated {
  readonly program: WebGLProgram;
  readonly vertices: WebGLVertexArrayObject;
  readonly reads: readonly {
    readonly size: WebGLUniformLocation | null;
    readonly dimensions: WebGLUniformLocation | null;
  }[];
  /** The integers, then the floats. */
  readonly numbers: readonly (WebGLUniformLocation | null)[];
  /** Lengths of the output along its three axes, of which there is one. */
  readonly dimensions: WebGLUniformLocation | null;
  /** Texels of the output that are drawn. */
  readonly size: WebGLUniformLocation | null;
  destroy(): void;
}

/** The type that gpu.js gives to textures of one float a texel. */
const TEXTURE = 'ArrayTexture(1)';

/** What GLSL has to know of a function before it is called. gpu.js puts functions that call each other in an order that is not always that of their use. */
function prototype({ source, settings: { argumentTypes, returnType } }: GpuFunction): string {
  const name = /function (\w+)/.exec(source)![1]!;
  const [type, ...types] = [returnType, ...Object.values(argumentTypes)].map((number) =>
    number === 'Integer' ? 'int' : 'float',
  );
  return `${type} ${name}(${types.join(', ')});\n`;
}

/** Makes GLSL of scripts, and programs of it. */
export class Translator {
  readonly #gl: WebGL2RenderingContext;
  readonly #gpu: Gpu;
  readonly #corners: WebGLBuffer;

  constructor(gpuJs: GpuJs, gl: WebGL2RenderingContext) {
    this.#gl = gl;
    this.#gpu = gpuFor(gpuJs, { mode: 'webgl2', context: gl });
    this.#gpu.injectNative(functions.map(prototype).join(''));
    this.#corners = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#corners);
    gl.bufferData(
      gl.ARRAY_BUFFER,
      new Float32Array([-1, -1, 0, 0, 1, -1, 1, 0, -1, 1, 0, 1, 1, 1, 1, 1]),
      gl.STATIC_DRAW,
    );
  }

  /**
   * gpu.js writes the shader and compiles it; it is run by ourselves. gpu.js would make the canvas as large as the largest result, keep each kernel's last
   * result alive, take -0 for a 0 that it passed before, and, where a kernel reads its own earlier result, write the next one into a texture of that size.
   */
  translate(script: Script): Translated {
    const gl = this.#gl;
    const reads = script.reads.length;
    const made = kernelOf(this.#gpu, script, {
      type: TEXTURE,
      example: { type: TEXTURE, size: [1, 1], dimensions: [1, 1, 1] },
    });
    // All of WebGL is `gpu` to gpu.js; which WebGL, its context says. What it cannot build for that, it hands to the CPU in silence.
    const demandGpu = (): void => {
      const { mode } = made.kernel.constructor;
      if (mode !== 'gpu') throw new Error(`gpu.js made a ${mode} kernel where a WebGL2 one was asked for.`);
    };
    demandGpu();
    gl.bindVertexArray(null); // else it would change that of the program that ran last
    made.build();
    gl.disable(gl.SCISSOR_TEST);
    demandGpu();
    const { kernel } = made;
    const program = kernel.program!;
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      throw new Error(`it does not link: ${gl.getProgramInfoLog(program)}`);
    }

    const vertices = gl.createVertexArray();
    gl.bindVertexArray(vertices);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#corners);
    for (const [i, attribute] of ['aPos', 'aTexCoord'].entries()) {
      const place = gl.getAttribLocation(program, attribute);
      if (place < 0) continue;
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 16, i * 8);
    }

    const uniform = (id: string) => gl.getUniformLocation(program, id);
    gl.useProgram(program);
    gl.uniform2f(uniform('ratio'), 1, 1);
    const ids = kernel.kernelArguments!.map(({ id }) => id);
    for (const [unit, id] of ids.slice(0, reads).entries()) gl.uniform1i(uniform(id), unit);
    return {
      program,
      vertices,
      reads: ids.slice(0, reads).map((id) => ({ size: uniform(`${id}Size`), dimensions: uniform(`${id}Dim`) })),
      numbers: ids.slice(reads).map(uniform),
      dimensions: uniform('uOutputDim'),
      size: uniform('uTexSize'),
      destroy() {
        gl.deleteVertexArray(vertices);
        kernel.destroy();
      },
    };
  }

  dispose(): void {
    this.#gl.deleteBuffer(this.#corners);
  }
}
