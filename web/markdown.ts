// The marks people put into messages (SPEC §7), read into a tree: never HTML. One pass per level and a bounded number of
// levels, so that no text takes longer than its length allows. What is no mark stays as it was written.
import { autolink, type Link, linkTo } from './links.ts'

export type Inline =
  | { readonly type: 'text' | 'code'; readonly text: string }
  | { readonly type: 'strong' | 'emphasis' | 'strike'; readonly children: readonly Inline[] }
  | ({ readonly type: 'link'; readonly children: readonly Inline[] } & Link)
  /** `id`: of the member whose name stands there */
  | { readonly type: 'mention'; readonly id: string; readonly text: string }

export type Block =
  | { readonly type: 'text'; readonly children: readonly Inline[] }
  | { readonly type: 'heading'; readonly level: 1 | 2 | 3; readonly children: readonly Inline[] }
  | { readonly type: 'code'; readonly language: string; readonly text: string }
  | { readonly type: 'quote'; readonly children: readonly Block[] }
  | {
      readonly type: 'list'
      /** of its first item; null: not numbered */
      readonly start: number | null
      readonly items: readonly (readonly Block[])[]
    }

/** Who can be mentioned. */
export interface Named {
  readonly id: string
  readonly name: string
}

/** quotes and lists in each other */
export const MAX_DEPTH = 6
/** marks and brackets that are open at once */
const MAX_OPEN = 16

const FENCE = /^ {0,3}(`{3,32}|~{3,32})([\w+#.-]{0,32})\s*$/
const QUOTE = /^ {0,3}> ?/
const HEADING = /^(#{1,3}) +(?=\S)/
const ITEM = /^( {0,8})([-*]|\d{1,3}[.)]) +(?=\S)/

export function parseMarkdown(text: string, members: readonly Named[] = []): readonly Block[] {
  // The longest first: "@Ann Lee" is not "@Ann" and a name.
  const named = members
    .filter(({ name }) => name !== '')
    .map(({ id, name }) => ({ id, name: name.toLowerCase() }))
    .sort((a, b) => b.name.length - a.name.length)
  return blocksOf(text.split('\n'), named, 0)
}

/** Whose names stand in it after an @. */
export function mentionsIn(text: string, members: readonly Named[]): ReadonlySet<string> {
  const found = new Set<string>()
  if (text.includes('@')) collect(parseMarkdown(text, members), found)
  return found
}

function collect(nodes: readonly (Block | Inline)[], into: Set<string>): void {
  for (const node of nodes) {
    if (node.type === 'mention') into.add(node.id)
    else if (node.type === 'list') for (const item of node.items) collect(item, into)
    else if ('children' in node) collect(node.children, into)
  }
}

// Blocks: a line tells what begins with it; what belongs to it is read again one level deeper.

/** A block and how many lines it takes. */
type Taken = readonly [block: Block, lines: number]

function blocksOf(lines: readonly string[], members: readonly Named[], depth: number): Block[] {
  const blocks: Block[] = []
  let plain: string[] = []
  const end = (isLast: boolean): void => {
    const kept = trimmed(plain, blocks.length > 0, !isLast)
    if (kept.length > 0) blocks.push({ type: 'text', children: inlines(kept.join('\n'), members) })
    plain = []
  }
  for (let i = 0; i < lines.length; ) {
    const taken = blockAt(lines, i, members, depth)
    if (taken === null) {
      plain.push(lines[i++] ?? '')
      continue
    }
    end(false)
    blocks.push(taken[0])
    i += taken[1]
  }
  end(true)
  return blocks
}

/** Without the empty lines that only keep it apart from another block. */
function trimmed(lines: readonly string[], start: boolean, end: boolean): readonly string[] {
  const isEmpty = (line: string): boolean => line.trim() === ''
  const from = start ? lines.findIndex((line) => !isEmpty(line)) : 0
  if (from < 0) return []
  return lines.slice(from, end ? lines.findLastIndex((line) => !isEmpty(line)) + 1 : lines.length)
}

function blockAt(
  lines: readonly string[],
  at: number,
  members: readonly Named[],
  depth: number,
): Taken | null {
  const line = lines[at] ?? ''
  const fence = FENCE.exec(line)
  if (fence !== null) return codeAt(lines, at, fence[1] ?? '', fence[2] ?? '')
  const heading = HEADING.exec(line)
  if (heading !== null) {
    const level = (heading[1]?.length ?? 1) as 1 | 2 | 3
    return [
      { type: 'heading', level, children: inlines(line.slice(heading[0].length), members) },
      1,
    ]
  }
  if (depth >= MAX_DEPTH) return null
  if (QUOTE.test(line)) return quoteAt(lines, at, members, depth)
  return ITEM.test(line) ? listAt(lines, at, members, depth) : null
}

/** Up to its closing fence, or the end. */
function codeAt(lines: readonly string[], at: number, fence: string, language: string): Taken {
  const mark = fence[0] ?? ''
  const closes = (line: string): boolean => {
    const bare = line.trim()
    return bare.length >= fence.length && bare === mark.repeat(bare.length)
  }
  let end = at + 1
  while (end < lines.length && !closes(lines[end] ?? '')) end++
  const text = lines.slice(at + 1, end).join('\n')
  return [{ type: 'code', language: language.toLowerCase(), text }, end + 1 - at]
}

function quoteAt(
  lines: readonly string[],
  at: number,
  members: readonly Named[],
  depth: number,
): Taken {
  let end = at
  while (QUOTE.test(lines[end] ?? '')) end++
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ''))
  return [{ type: 'quote', children: blocksOf(inside, members, depth + 1) }, end - at]
}

const isNumbered = (mark: string | undefined): boolean => /^\d/.test(mark ?? '')

/** Items with the same indent and kind of mark; what is indented further belongs to the item above. */
function listAt(
  lines: readonly string[],
  at: number,
  members: readonly Named[],
  depth: number,
): Taken {
  const [, indent = '', mark] = ITEM.exec(lines[at] ?? '') ?? []
  const items: Block[][] = []
  let end = at
  for (;;) {
    const item = ITEM.exec(lines[end] ?? '')
    if (item === null || item[1] !== indent || isNumbered(item[2]) !== isNumbered(mark)) break
    const inside = [(lines[end] ?? '').slice(item[0].length)]
    const margin = indent.length + 2
    for (end++; end < lines.length; end++) {
      const line = lines[end] ?? ''
      if (!line.startsWith(' '.repeat(margin)) || line.trim() === '') break
      inside.push(line.slice(margin))
    }
    items.push(blocksOf(inside, members, depth + 1))
  }
  const start = isNumbered(mark) ? Number.parseInt(mark ?? '1', 10) : null
  return [{ type: 'list', start, items }, end - at]
}

// Inlines: one walk over the text with a stack of what is open.

type Mark = 'strong' | 'emphasis' | 'strike'
interface Open {
  /** what stands there if it is never closed */
  readonly text: string
  readonly closes: string
  readonly mark: Mark | 'link'
  readonly children: Inline[]
}

const MARKS: Readonly<Record<string, Mark>> = {
  '**': 'strong',
  __: 'strong',
  '*': 'emphasis',
  _: 'emphasis',
  '~~': 'strike',
}
const TOKEN =
  /\\[*_~`[\]]|(?<!`)`{1,8}(?!`)|(?<!\*)\*{1,3}(?!\*)|(?<!_)_{1,3}(?!_)|(?<!~)~~(?!~)|!?\[|\]|https?:\/\/|@|\n(?=[ \t]*\n)/g
const WORD = /[\p{L}\p{N}\p{M}_]/u

class Walk {
  readonly #text: string
  readonly #lower: string
  readonly #members: readonly Named[]
  readonly #stack: Open[] = []
  readonly #out: Inline[] = []
  /** how many of each kind are open, so that nothing is searched for in vain */
  readonly #open = new Map<string, number>()
  /** lengths of runs of ` that close nowhere further on */
  readonly #lone = new Set<number>()
  #at = 0

  constructor(text: string, members: readonly Named[]) {
    this.#text = text
    const lower = text.toLowerCase()
    // A few letters change their length.
    this.#lower = lower.length === text.length ? lower : text
    this.#members = members
  }

  run(): Inline[] {
    const token = new RegExp(TOKEN)
    for (let found = token.exec(this.#text); found !== null; found = token.exec(this.#text)) {
      this.#say(this.#text.slice(this.#at, found.index))
      this.#at = found.index
      const before = this.#at
      this.#take(found[0])
      if (this.#at === before) {
        this.#say(found[0])
        this.#at += found[0].length
      }
      token.lastIndex = this.#at
    }
    this.#say(this.#text.slice(this.#at))
    this.#dropAll()
    return this.#out
  }

  /** Moves on if the token means something here. */
  #take(token: string): void {
    if (token[0] === '\\') {
      this.#say(token.slice(1))
      this.#at += 2
    } else if (token[0] === '`') this.#code(token.length)
    else if (token === '@') this.#mention()
    else if (token === ']') this.#link()
    else if (token === '[' || token === '![') this.#push(token, ']', 'link')
    else if (token[0] === 'h') this.#autolink()
    // No mark reaches over an empty line.
    else if (token === '\n') this.#dropAll()
    else this.#marks(token)
  }

  get #children(): Inline[] {
    return this.#stack.at(-1)?.children ?? this.#out
  }

  #say(text: string): void {
    if (text === '') return
    const children = this.#children
    const last = children.at(-1)
    if (last?.type === 'text') children[children.length - 1] = { ...last, text: last.text + text }
    else children.push({ type: 'text', text })
  }

  #push(text: string, closes: string, mark: Open['mark']): void {
    if (this.#stack.length >= MAX_OPEN) return
    this.#stack.push({ text, closes, mark, children: [] })
    this.#open.set(closes, (this.#open.get(closes) ?? 0) + 1)
    this.#at += text.length
  }

  #pop(): Open | undefined {
    const open = this.#stack.pop()
    if (open !== undefined) this.#open.set(open.closes, (this.#open.get(open.closes) ?? 1) - 1)
    return open
  }

  /** What is open innermost was no mark. */
  #drop(): void {
    const open = this.#pop()
    if (open === undefined) return
    this.#say(open.text)
    for (const child of open.children)
      if (child.type === 'text') this.#say(child.text)
      else this.#children.push(child)
  }

  #dropAll(): void {
    while (this.#stack.length > 0) this.#drop()
  }

  #isOpen(closes: string): boolean {
    return (this.#open.get(closes) ?? 0) > 0
  }

  /** The innermost one that this closes; what was opened inside of it was no mark. */
  #close(closes: string): Open | undefined {
    while (this.#stack.at(-1)?.closes !== closes) this.#drop()
    return this.#pop()
  }

  #marks(run: string): void {
    const before = this.#text.slice(0, this.#at).at(-1) ?? ' '
    const after = this.#text[this.#at + run.length] ?? ' '
    const opens = !/\s/.test(after) && !WORD.test(before)
    const shuts = !/\s/.test(before) && !WORD.test(after)
    const parts = run.length === 3 ? [run.slice(0, 2), run.slice(0, 1)] : [run]
    if (shuts && parts.every((part) => this.#isOpen(part))) {
      for (const part of parts.toReversed()) this.#shut(part)
    } else if (opens && this.#stack.length + parts.length <= MAX_OPEN) {
      for (const part of parts) this.#push(part, part, MARKS[part] ?? 'emphasis')
    }
  }

  #shut(part: string): void {
    if (!this.#isOpen(part)) {
      this.#say(part)
      this.#at += part.length
      return
    }
    const { children = [] } = this.#close(part) ?? {}
    const type = MARKS[part] ?? 'emphasis'
    if (children.length === 0) this.#say(part + part)
    else this.#children.push({ type, children })
    this.#at += part.length
  }

  #code(length: number): void {
    if (this.#lone.has(length)) return
    const runs = /`+/g
    runs.lastIndex = this.#at + length
    for (let run = runs.exec(this.#text); run !== null; run = runs.exec(this.#text)) {
      if (run[0].length !== length) continue
      const text = this.#text.slice(this.#at + length, run.index)
      this.#children.push({
        type: 'code',
        text: text.length > 2 ? text.replace(/^ (.*) $/s, '$1') : text,
      })
      this.#at = run.index + length
      return
    }
    this.#lone.add(length)
  }

  /** `[label](address)`; an image is a link to it, as nothing is loaded. */
  #link(): void {
    if (!this.#isOpen(']')) return
    const target = /\]\(([^\s()<>]{1,2000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,200})?)\)/y
    target.lastIndex = this.#at
    const found = target.exec(this.#text)
    const link = found === null ? null : linkTo(found[1] ?? '')
    const open = this.#close(']')
    if (open === undefined) return
    if (found === null || link === null) {
      this.#stack.push(open)
      this.#open.set(']', (this.#open.get(']') ?? 0) + 1)
      this.#drop()
      return
    }
    const label = withoutLinks(open.children)
    const children: Inline[] = label.length > 0 ? label : [{ type: 'text', text: link.href }]
    this.#children.push({ type: 'link', children, ...link })
    this.#at += found[0].length
  }

  #autolink(): void {
    const { text, link } = autolink(this.#text, this.#at)
    if (link === null) return
    this.#children.push({ type: 'link', children: [{ type: 'text', text }], ...link })
    this.#at += text.length
  }

  #mention(): void {
    if (WORD.test(this.#text[this.#at - 1] ?? ' ')) return
    const from = this.#at + 1
    const named = this.#members.find(
      ({ name }) =>
        this.#lower.startsWith(name, from) && !WORD.test(this.#text[from + name.length] ?? ' '),
    )
    if (named === undefined) return
    const text = this.#text.slice(this.#at, from + named.name.length)
    this.#children.push({ type: 'mention', id: named.id, text })
    this.#at += text.length
  }
}

const inlines = (text: string, members: readonly Named[]): Inline[] =>
  /[*_~`[@\\]|http/.test(text) ? new Walk(text, members).run() : [{ type: 'text', text }]

/** A link holds no other: which one would be opened? */
function withoutLinks(children: readonly Inline[]): Inline[] {
  return children.flatMap((child) => {
    if (child.type === 'link') return withoutLinks(child.children)
    if (child.type === 'mention') return [{ type: 'text', text: child.text } as const]
    return 'children' in child ? [{ ...child, children: withoutLinks(child.children) }] : [child]
  })
}
