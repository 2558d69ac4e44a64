export { Compiled, compile } from './compile.ts';
export type { Compilable, CompileOptions } from './compile.ts';
export type { Graph, Node as GraphNode, Value as GraphValue } from './graph.ts';
export { trace } from './trace.ts';
