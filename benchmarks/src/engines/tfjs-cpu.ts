import type { Engine } from '../engine.ts';
import { requirePeer } from '../peers.ts';
import type { Tf } from './tfjs-network.ts';
import { tfjs } from './tfjs.ts';

/** TensorFlow.js in plain JavaScript. The package of all its parts is the one that brings derivatives to Node. */
export function start(): Promise<Engine> {
  const tf = requirePeer('@tensorflow/tfjs') as Tf;
  tf.env().set('IS_NODE', false); // it would print advice
  return tfjs(tf, 'cpu', 'JavaScript');
}
