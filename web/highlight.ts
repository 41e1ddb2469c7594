// Colours for code in any of the common languages: what is a comment, a string, a number, a word of the language. One
// regular expression, one pass; a guess that is wrong costs a colour.

export interface Piece {
  readonly kind: 'plain' | 'comment' | 'string' | 'number' | 'word'
  readonly text: string
}

const WORDS = new Set(
  (
    'abstract and as assert async await begin bool boolean break case catch char class const continue def default defer ' +
    'del delete do done double elif else elsif end enum esac except export extends extern false fi final finally float fn ' +
    'for foreach from func function go if impl implements import in include instanceof int interface is let local long loop ' +
    'match mod module mut namespace new nil None not null of or package pass private protected pub public raise readonly ' +
    'return self short signed static string struct super switch then this throw throws trait true True False try type ' +
    'typedef typeof undefined union unless unsigned until use using var virtual void where while with yield ' +
    'SELECT FROM WHERE INSERT INTO UPDATE DELETE CREATE TABLE JOIN ON GROUP BY ORDER LIMIT VALUES SET AND OR NOT NULL'
  ).split(' '),
)

/** languages in which # begins a comment, and those in which -- does */
const HASH =
  /^(?:|sh|bash|zsh|shell|console|py|python|rb|ruby|yaml|yml|toml|ini|conf|make|makefile|dockerfile|perl|r)$/
const DASHES = /^(?:sql|lua|haskell|hs|elm|ada)$/
const TEXT = /^(?:text|txt|plain|md|markdown|diff|log)$/

const STRING = /"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`(?:[^`\\]|\\[\s\S])*`?/
const NUMBER = /\b\d[\w.]*/
const NAME = /[A-Za-z_$][\w$-]*/

function commentOf(language: string): RegExp {
  if (DASHES.test(language)) return /--[^\n]*/
  if (HASH.test(language)) return /#[^\n]*/
  return /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/
}

/** `language`: lower case, as after the fence. The pieces put together are the code. */
export function highlight(code: string, language: string): readonly Piece[] {
  if (TEXT.test(language)) return [{ kind: 'plain', text: code }]
  const sources = [commentOf(language), STRING, NUMBER, NAME].map(({ source }) => `(${source})`)
  const pieces: Piece[] = []
  let at = 0
  const say = (kind: Piece['kind'], text: string): void => {
    const last = pieces.at(-1)
    if (text === '') return
    if (last?.kind === kind) pieces[pieces.length - 1] = { kind, text: last.text + text }
    else pieces.push({ kind, text })
  }
  for (const found of code.matchAll(new RegExp(sources.join('|'), 'g'))) {
    say('plain', code.slice(at, found.index))
    const [text, comment, string, number] = found
    const name = WORDS.has(text) ? 'word' : 'plain'
    say(comment ? 'comment' : string ? 'string' : number ? 'number' : name, text)
    at = found.index + text.length
  }
  say('plain', code.slice(at))
  return pieces
}
