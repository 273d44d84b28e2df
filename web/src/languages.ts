/** The emotions' words in the visitor's language. As emojimation/languages.py, whose table is in numbers.json. */

export interface Words { names: Record<string, string>; or: string; not_sure: string; perhaps: string }

/** The first of the wanted languages ("de-AT") that there are words for, else English. */
export function languageOf(all: Record<string, Words>, wanted: readonly string[]): string {
  return wanted.map((one) => one.split("-")[0].toLowerCase()).find((code) => Object.hasOwn(all, code)) ?? "en";
}

/** The pattern with words in place of each "{}". */
export const filled = (pattern: string, ...words: string[]): string => words.reduce((text, word) => text.replace("{}", word), pattern);
