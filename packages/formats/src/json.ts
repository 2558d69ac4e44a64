/**
 * JSON.parse for text that nobody vouches for: an object that says two things under one key is an error, where JSON.parse keeps the last, and nesting is
 * bounded, so that whoever walks the result cannot run out of stack.
 * @throws SyntaxError
 */
export function parseStrictJson(text: string, maxDepth: number): unknown {
  const keys: Set<string>[] = []; // of each object (or list) that is open
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '{' || character === '[') {
      if (keys.push(new Set()) > maxDepth) throw new SyntaxError(`it is nested deeper than ${maxDepth} levels`);
    } else if (character === '}' || character === ']') {
      keys.pop();
    } else if (character === '"') {
      const end = endOfString(text, i);
      if (isKey(text, end)) addKey(keys.at(-1), JSON.parse(text.slice(i, end)) as string);
      i = end - 1;
    }
  }
  return JSON.parse(text);
}

/** Where the string that opens at `start` has ended, or the end of the text if it never does. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** A string is a key if a colon follows. */
function isKey(text: string, end: number): boolean {
  const colon = /\s*:/y;
  colon.lastIndex = end;
  return colon.test(text);
}

function addKey(keys: Set<string> | undefined, key: string): void {
  if (keys?.has(key)) throw new SyntaxError(`the key ${JSON.stringify(key.slice(0, 60))} occurs twice`);
  keys?.add(key);
}
