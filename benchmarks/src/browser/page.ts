// The script of the page in which a browser's engines run.
import { start as receptive } from '../engines/receptive-gpu.ts';
import { tfjsGpu } from '../engines/tfjs.ts';
import type { Tf } from '../engines/tfjs-network.ts';
import { performer } from '../perform.ts';
import type { Offer } from './browser.ts';

// A script of its own, which is there only if a peer is wanted.
const tf = async (): Promise<Tf> => (await import(/* @vite-ignore */ new URL('/tfjs.js', import.meta.url).href)) as Tf;

const here = performer({
  'receptive-webgpu': () => receptive({ mode: 'webgpu', software: true }),
  'receptive-webgl2': () => receptive({ mode: 'webgl2', software: true }),
  'tfjs-webgpu': async () => tfjsGpu(await tf(), 'webgpu', 'WebGPU'),
  'tfjs-webgl': async () => tfjsGpu(await tf(), 'webgl', 'WebGL'),
});

/** A part of the navigator that TypeScript does not know. */
interface UserAgentData {
  getHighEntropyValues(hints: readonly ['fullVersionList']): Promise<{
    readonly fullVersionList: readonly { readonly brand: string; readonly version: string }[];
  }>;
}

/** Chromium's version, and the GPU behind each interface. */
async function host(): Promise<string> {
  const { userAgentData } = navigator as { userAgentData?: UserAgentData };
  const brands = (await userAgentData?.getHighEntropyValues(['fullVersionList']))?.fullVersionList;
  const version = brands?.find(({ brand }) => brand === 'Chromium')?.version ?? navigator.userAgent;
  const info = (await navigator.gpu?.requestAdapter())?.info;
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2');
  const renderer = gl?.getExtension('WEBGL_debug_renderer_info');
  const named = [
    ['WebGPU', info && [info.vendor, info.architecture, info.description].filter(Boolean).join(' ')],
    ['WebGL2', renderer && String(gl!.getParameter(renderer.UNMASKED_RENDERER_WEBGL))],
  ] as const;
  const software = /swiftshader|llvmpipe|basic render/i;
  return [
    `Chromium ${version}`,
    ...named.map(
      ([name, gpu]) => `${name} on ${gpu ? `${gpu}${software.test(gpu) ? ' (software)' : ''}` : 'no adapter'}`,
    ),
  ].join(', ');
}

const offer: Offer = { perform: async (task) => ({ ...(await here(task)), host: await host() }) };
Object.assign(globalThis, offer);
