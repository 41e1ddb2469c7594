// What others wrote, made harmless to look at: marks that turn the order of letters around, letters that nobody sees, heaps
// of accents.

/** U+202A..U+202E: they turn the order of what follows around. Whole languages write without them. */
const TURNING = /[\u202a-\u202e]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g

const codeOf = (char: string): string =>
  `[U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`

/** A text in which what would disguise it is written out. */
export const laidBare = (text: string): string =>
  text.replace(TURNING, codeOf).replace(CONTROLS, codeOf)

/** Joiners stay: scripts and emoji need them. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cf}\p{Cc}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu
/** more accents on one letter than any language has */
const HEAPED = /(\p{M}{3})\p{M}+/gu

/** A name on one line, in its own order, without what nobody sees; `fallback` if nothing is left. */
export function shownName(name: string, fallback = '?'): string {
  const seen = name.replace(UNSEEN, '').replace(HEAPED, '$1').replace(/\s+/g, ' ').trim()
  return /^(?:\s|\u200c|\u200d|\u2800)*$/u.test(seen) ? fallback : seen
}

const MAX_BIG = 48
const EMOJI =
  /^(?:\s|\p{RI}\p{RI}|[\d#*]\ufe0f?\u20e3|\p{Extended_Pictographic}(?:\ufe0f|\p{EMod}|\u200d\p{Extended_Pictographic}|[\u{e0020}-\u{e007f}])*)+$/u

/** A few emoji and nothing else. */
export const isEmojiOnly = (text: string): boolean =>
  text.length <= MAX_BIG && text.trim() !== '' && EMOJI.test(text)
