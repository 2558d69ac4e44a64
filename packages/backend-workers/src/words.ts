// The words that the threads of a pool share. Those that different threads write are two cache lines apart, since processors fetch them in pairs.

/** Words of two cache lines. */
const LINE = 32;

/** Number of the turn: odd while it is open. Threads that have nothing to do wait for it to change. */
export const TURN = 0;
/** Whether the caller sleeps until somebody is done. */
export const WAITING = LINE;
/** What the open turn is about; written while it is closed. The last is how many microseconds a chunk is thought to take, 0 if nobody knows. */
export const [KERNEL, ARGS, SCRATCH, STRIDE, COST] = [2 * LINE, 2 * LINE + 1, 2 * LINE + 2, 2 * LINE + 3, 2 * LINE + 4];
/** How many threads have a share of every turn; others help them. */
export const SHARES = 2 * LINE + 5;
/** Whether other programs compete for the processors: threads in reserve wait for it to change. */
export const CROWDED = 3 * LINE;
/** How often a thread has lost its processor in the middle of something. */
export const LOSSES = 4 * LINE;
/** Never changes: who sleeps for a while waits for it to. */
export const NEVER = 5 * LINE;
/** Lines before those of the threads, and how many each has: for its state, and for its share. */
const [COMMON, OWN] = [6, 2];

/** The words for threads that share every turn, and some in reserve. The caller is number 0, those in reserve are the last. */
export function wordsFor(threads: number, reserve: number): Int32Array<SharedArrayBuffer> {
  const lines = COMMON + OWN * (threads + reserve);
  const control = new Int32Array(new SharedArrayBuffer(lines * LINE * Int32Array.BYTES_PER_ELEMENT));
  control[SHARES] = threads;
  return control;
}

/** How many threads there are words for. */
export const threadsOf = (control: Int32Array): number => (control.length / LINE - COMMON) / OWN;

/** The word that says what thread number `member` is doing. */
export const stateOf = (member: number): number => (COMMON + OWN * member) * LINE;

/** The word that says which chunk thread number `member` has claimed. */
export const chunkOf = (member: number): number => stateOf(member) + 1;

/** The word that is 1 once a kernel has failed in thread number `member`. */
export const faultOf = (member: number): number => stateOf(member) + 2;

/** The word that says how many chunks of the share of thread number `member` have been claimed, or more; after it, the first one and how many there are. */
export const claimsOf = (member: number): number => stateOf(member) + LINE;
