/** Elements as a texture of one float32 a texel, and the framebuffer through which they are written and read. */
export interface Block {
  readonly texture: WebGLTexture;
  readonly framebuffer: WebGLFramebuffer;
  readonly width: number;
  readonly height: number;
}

/** Elements that unused textures may hold beside those in use: 256 MiB. */
const SPARE = 64 << 20;

/**
 * The rows of a texture of `length` elements: as wide as a square one, rounded up to a power of two, so that caches serve neighbours in both directions. Rows
 * are rounded up so that at most an eighth is wasted, and lengths that differ little find each other's textures.
 */
function shapeOf(length: number, most: number): [width: number, height: number] {
  const width = Math.min(most, 2 ** Math.ceil(Math.log2(Math.max(1, length)) / 2));
  const rows = Math.max(1, Math.ceil(length / width));
  const step = Math.max(1, 2 ** Math.floor(Math.log2(rows) - 3));
  return [width, Math.min(most, Math.ceil(rows / step) * step)];
}

/**
 * Textures, used again once released: making one costs more than most kernels. Commands run in the order in which they are given, so that a texture may be
 * given out again while commands that use it are still waiting.
 */
export class TexturePool {
  readonly #gl: WebGL2RenderingContext;
  readonly #most: number;
  readonly #all = new Set<Block>();
  readonly #free = new Map<string, Block[]>();
  #spare = 0;

  /** `most` is the greatest width and height of a texture. */
  constructor(gl: WebGL2RenderingContext, most: number) {
    this.#gl = gl;
    this.#most = most;
  }

  take(length: number): Block {
    const [width, height] = shapeOf(length, this.#most);
    const block = this.#free.get(`${width} ${height}`)?.pop() ?? this.#make(width, height);
    if (this.#all.has(block)) this.#spare -= width * height;
    else this.#all.add(block);
    return block;
  }

  give(block: Block): void {
    const key = `${block.width} ${block.height}`;
    const free = this.#free.get(key);
    if (free) free.push(block);
    else this.#free.set(key, [block]);
    this.#spare += block.width * block.height;
  }

  /** Deletes unused textures, the largest first, until few enough remain. */
  trim(): void {
    if (this.#spare <= SPARE) return;
    const unused = [...this.#free.values()].flat().sort((a, b) => b.width * b.height - a.width * a.height);
    this.#free.clear();
    this.#spare = 0;
    for (const block of unused) {
      if (this.#spare + block.width * block.height <= SPARE) this.give(block);
      else this.#delete(block);
    }
  }

  /** Deletes all textures, those in use included. */
  dispose(): void {
    for (const block of this.#all) this.#delete(block);
    this.#free.clear();
    this.#spare = 0;
  }

  #make(width: number, height: number): Block {
    const gl = this.#gl;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R32F, width, height);
    // Without these a float texture is incomplete, and reads as zeros.
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    const framebuffer = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    return { texture, framebuffer, width, height };
  }

  #delete(block: Block): void {
    this.#all.delete(block);
    this.#gl.deleteFramebuffer(block.framebuffer);
    this.#gl.deleteTexture(block.texture);
  }
}
