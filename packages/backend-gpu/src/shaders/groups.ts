/** Workgroups that keep a large GPU busy. */
export const BUSY = 256;

/**
 * The entry point of a shader whose workgroups each do one of `params.groups` things: in `body`, `group` is its number and `t` that of the thread, of `threads`.
 * Workgroups lie in rows, the last of which may have some too many.
 */
export function eachGroup(threads: number, body: string): string {
  return `
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) thread: u32
) {
  var group = i32(id.x + id.y * count.x);
  if (group >= params.groups) { return; }
  let t = i32(thread);
  ${body}
}`;
}
