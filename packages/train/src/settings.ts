/** What was asked for, as plain data that JSON can say: a checkpoint keeps it, and compares. */
export type Settings = Readonly<Record<string, unknown>>;
