// What people's marks mean, that links say where they lead, and that no text takes long.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { highlight } from '../../web/highlight.ts'
import { linkTo } from '../../web/links.ts'
import {
  type Block,
  type Inline,
  MAX_DEPTH,
  mentionsIn,
  parseMarkdown,
} from '../../web/markdown.ts'
import { isEmojiOnly, laidBare, shownName } from '../../web/plaintext.ts'

/** A tree in one line: what is shown in brackets of what shows it. */
function drawn(nodes: readonly (Block | Inline)[]): string {
  return nodes.map(drawOne).join('')
}
function drawOne(node: Block | Inline): string {
  if (node.type === 'list')
    return `list${node.start ?? ''}(${node.items.map((item) => `(${drawn(item)})`).join('')})`
  if (node.type === 'code') return `code(${node.text})`
  if (node.type === 'mention') return `mention(${node.id}:${node.text})`
  if (node.type === 'link')
    return `link(${drawn(node.children)}>${node.href}${node.host === null ? '' : `!${node.host}`})`
  if (!('children' in node)) return node.text
  return node.type === 'text' ? drawn(node.children) : `${node.type}(${drawn(node.children)})`
}
const read = (text: string): string => drawn(parseMarkdown(text))

test.each([
  [
    '**bold** and *slanted*, __bold__ and _slanted_',
    'strong(bold) and emphasis(slanted), strong(bold) and emphasis(slanted)',
  ],
  ['***both*** and ~~gone~~', 'strong(emphasis(both)) and strike(gone)'],
  ['**a *b* c**', 'strong(a emphasis(b) c)'],
  ['`a *b*` and ``a ` b``', 'code(a *b*) and code(a ` b)'],
  ['a_b_c 2*3*4 * no * **no ** ~ ~~', 'a_b_c 2*3*4 * no * **no ** ~ ~~'],
  ['**open and *open', '**open and *open'],
  ['*a **b* c**', 'emphasis(a **b) c**'],
  [String.raw`\*no\* and C:\dir \\host`, String.raw`*no* and C:\dir \\host`],
  ['*over\n\nparagraphs*', '*over\n\nparagraphs*'],
  ['# Big\n## Less\n#no', 'heading(Big)heading(Less)#no'],
  ['before\n```TS\nlet a = "*"\n```\nafter', 'beforecode(let a = "*")after'],
  ['~~~\nnever closed\n```', 'code(never closed\n```)'],
  ['> said\n> **loud**\nanswer', 'quote(said\nstrong(loud))answer'],
  ['> a\n>> b', 'quote(aquote(b))'],
  ['- a\n- b\n  - c\n- d', 'list((a)(blist((c)))(d))'],
  ['7. a\n8. b', 'list7((a)(b))'],
  ['- a\n1. b', 'list((a))list1((b))'],
  [
    'see https://example.org/a_(b)_c?d=*e*.',
    'see link(https://example.org/a_(b)_c?d=*e>https://example.org/a_(b)_c?d=*e)*.',
  ],
  [
    '(https://example.org/), "https://example.org"',
    '(link(https://example.org/>https://example.org/)), "link(https://example.org>https://example.org/)"',
  ],
  [
    '[the *site*](https://example.org/x)',
    'link(the emphasis(site)>https://example.org/x!example.org)',
  ],
  [
    '![a picture](https://example.org/x.png)',
    'link(a picture>https://example.org/x.png!example.org)',
  ],
  ['[write](mailto:ann@example.org)', 'link(write>mailto:ann@example.org!ann@example.org)'],
  [
    '[a](javascript:alert(1)) [b](data:text/html,x) [c](//x) [d]',
    '[a](javascript:alert(1)) [b](data:text/html,x) [c](//x) [d]',
  ],
  [
    '[https://bank.example](https://evil.example)',
    'link(https://bank.example>https://evil.example/!evil.example)',
  ],
  ['<b>&amp;</b><script>', '<b>&amp;</b><script>'],
])('%j', (text, tree) => {
  expect(read(text)).toBe(tree)
})

describe('links say where they lead', () => {
  test.each([
    ['https://bank.example@evil.example/', 'evil.example'],
    ['https://bank.example:443@evil.example/', 'evil.example'],
    ['https://аррӏе.com/', 'xn--80ak6aa92e.com'],
    ['https://goo\u200bgle.com/', 'google.com'],
    ['https://exämple.org', 'xn--exmple-cua.org'],
    ['http://2130706433/', '127.0.0.1'],
    ['https://EXAMPLE.org/Path', null],
    ['https://example.org:8443/x', null],
  ])('%s', (text, host) => {
    const [block] = parseMarkdown(text)
    const link = block?.type === 'text' ? block.children[0] : undefined
    expect(link).toMatchObject({ type: 'link', host })
  })

  test('only http, https and mailto are links', () => {
    for (const scheme of ['javascript', 'data', 'vbscript', 'file', 'blob', 'ftp', 'intent', 'tel'])
      expect(linkTo(`${scheme}:x`), scheme).toBeNull()
    expect(linkTo('JavaScript:alert(1)')).toBeNull()
    expect(linkTo('not an address')).toBeNull()
  })
})

describe('mentions', () => {
  const members = [
    { id: 'a', name: 'Ann' },
    { id: 'al', name: 'Ann Lee' },
    { id: 'z', name: '张伟' },
  ]
  test.each([
    ['@Ann Lee, @ann: see', 'mention(al:@Ann Lee), mention(a:@ann): see'],
    ['**@Ann**', 'strong(mention(a:@Ann))'],
    ['@Anna a@Ann @Bob', '@Anna a@Ann @Bob'],
    ['你好 @张伟！', '你好 mention(z:@张伟)！'],
    [
      '`@Ann` https://x.example/@Ann',
      'code(@Ann) link(https://x.example/@Ann>https://x.example/@Ann)',
    ],
    ['[@Ann](https://x.example)', 'link(@Ann>https://x.example/!x.example)'],
  ])('%s', (text, tree) => {
    expect(drawn(parseMarkdown(text, members))).toBe(tree)
  })

  test('are found wherever they stand', () => {
    const text = 'a @Ann\n> - **@张伟**\n```\n@Ann Lee\n```'
    expect([...mentionsIn(text, members)].sort()).toEqual(['a', 'z'])
    expect([...mentionsIn('nobody', members)]).toEqual([])
  })
})

/** How deep a tree is. */
const depthOf = (nodes: readonly (Block | Inline)[]): number =>
  Math.max(
    0,
    ...nodes.map((node) =>
      node.type === 'list'
        ? 1 + depthOf(node.items.flat())
        : 'children' in node
          ? 1 + depthOf(node.children)
          : 1,
    ),
  )

/** The letters and digits of a tree. */
const wordsOf = (nodes: readonly (Block | Inline)[]): string =>
  nodes
    .map((node) => {
      if (node.type === 'list') return node.items.map(wordsOf).join('')
      return 'children' in node ? wordsOf(node.children) : node.text
    })
    .join('')
    .replace(/[^a-z]/g, '')

describe('any text', () => {
  const marks = fc.constantFrom(
    ...[
      '*',
      '**',
      '_',
      '~~',
      '`',
      '``',
      '[',
      ']',
      '](',
      '](http://x.y)',
      ')',
      '!',
      '>',
      '> ',
      '- ',
      '1. ',
      '# ',
      '\n',
      '\n\n',
    ],
    ...['```', '\\', '@Ann', 'a', 'bc', ' ', '  ', 'http://', '.', '\u202e', '😀'],
  )
  test('loses no word, and is not deeper than it may', () => {
    fc.assert(
      fc.property(fc.array(marks, { maxLength: 80 }), (parts) => {
        // What stands behind a fence or in an address is no word of the text.
        const text = parts.filter((part) => !part.includes('http')).join('')
        if (text.includes('```')) return
        const tree = parseMarkdown(text, [{ id: 'x', name: 'Ann' }])
        expect(wordsOf(tree)).toBe(text.replace(/[^a-z]/g, ''))
        expect(depthOf(tree)).toBeLessThan(MAX_DEPTH + 20)
      }),
      { numRuns: 500 },
    )
  })

  test('without marks is one block with the very same text', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9 .,;:?\n]*$/), (text) => {
        if (/^ {0,8}\d{1,3}\. |http/m.test(text)) return
        const tree = parseMarkdown(text)
        expect(tree.length).toBeLessThanOrEqual(1)
        expect(drawn(tree)).toBe(text)
      }),
    )
  })

  /** Steps are counted by the clock, so only growth is judged: eightfold length, far less than the square of it. */
  const LONG = 16_000
  const units = [
    ...[
      '>',
      '> ',
      '[',
      '![',
      '[]',
      '[a](',
      '*',
      '*a ',
      '*a_ ',
      '**a *b ',
      '`',
      '` ``',
      '~~a ~',
      '- ',
      '1. ',
      '  - a\n',
      '|',
      '<',
      '<!--',
    ],
    ...[
      '&a',
      'http://',
      'www.',
      'a@',
      'a.',
      '@',
      '(',
      '\\',
      'a\n',
      '\n',
      '\n ',
      '[a](http://',
      '[a](http://x(',
      'http://a.b/)',
      '_',
      '_a',
      'a_',
    ],
    ...[
      '```\n',
      '> - ',
      '# ',
      '\t',
      '[*',
      '*[',
      '](',
      '**_',
      '@A',
      '"',
      "'",
      '/*',
      '/* */',
      '1',
      '\u202e',
      '\u0301',
    ],
  ]
  test.each(units)('%j again and again takes no longer than its length allows', (unit) => {
    const members = Array.from({ length: 255 }, (_, i) => ({ id: `${i}`, name: `Ann ${i}` }))
    const msFor = (length: number): number => {
      const text = unit.repeat(length / unit.length)
      // Of the processor, not of the clock: others share the machine.
      const start = process.cpuUsage()
      parseMarkdown(text, members)
      highlight(text, 'ts')
      highlight(text, 'py')
      const { user, system } = process.cpuUsage(start)
      return (user + system) / 1000
    }
    msFor(LONG / 8)
    const short = Math.min(...[1, 2, 3].map(() => msFor(LONG / 8)))
    const long = Math.min(...[1, 2, 3].map(() => msFor(LONG)))
    // Below that nothing can be told from noise, and nobody waits.
    expect(long).toBeLessThan(Math.max(100, short * 40))
  })

  test('a hundred thousand quotes or brackets in each other stay text, and nothing overflows', () => {
    for (const unit of ['>', '> ', '[', '*a **b ', '- ', '![']) {
      const tree = parseMarkdown(unit.repeat(100_000))
      expect(depthOf(tree), unit).toBeLessThan(MAX_DEPTH + 20)
    }
  })
})

describe('code', () => {
  test('comments, strings, numbers and words are told apart, and nothing is lost', () => {
    const code = 'const a = "x\\"y" // not "this"\nreturn a + 0x1f'
    const pieces = highlight(code, 'js')
    expect(pieces.map(({ text }) => text).join('')).toBe(code)
    expect(pieces.filter(({ kind }) => kind !== 'plain')).toEqual([
      { kind: 'word', text: 'const' },
      { kind: 'string', text: '"x\\"y"' },
      { kind: 'comment', text: '// not "this"' },
      { kind: 'word', text: 'return' },
      { kind: 'number', text: '0x1f' },
    ])
    expect(highlight('# no // here', 'py').map(({ kind }) => kind)).toEqual(['comment'])
    expect(highlight('SELECT 1 -- one', 'sql').at(-1)).toEqual({ kind: 'comment', text: '-- one' })
    expect(highlight('if 1', 'text')).toEqual([{ kind: 'plain', text: 'if 1' }])
  })

  test('any code is kept as it is', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('', 'js', 'sql', 'py'), (code, language) => {
        expect(
          highlight(code, language)
            .map(({ text }) => text)
            .join(''),
        ).toBe(code)
      }),
    )
  })
})

describe('what would disguise a text', () => {
  test('is written out in messages', () => {
    expect(laidBare('a\u202egnp.exe')).toBe('a[U+202E]gnp.exe')
    expect(laidBare('bell\u0007')).toBe('bell[U+0007]')
    const honest = 'tab\tline\n👩‍🌾 \u200fשלום\u2067x\u2069'
    expect(laidBare(honest)).toBe(honest)
  })

  test('is taken out of names', () => {
    expect(shownName('A\u202en\u200bn\n\u2066')).toBe('Ann')
    expect(shownName(`Z${'\u0301'.repeat(40)}o`)).toBe(`Z${'\u0301'.repeat(3)}o`)
    expect(shownName('👩‍🌾 می\u200cخواهم')).toBe('👩‍🌾 می\u200cخواهم')
    for (const nothing of ['', '\u200b', '\u3164', '\u2800 ', '\u{e0041}'])
      expect(shownName(nothing), JSON.stringify(nothing)).toBe('?')
  })

  test('a few emoji are told from words', () => {
    for (const text of ['👍', '👩‍🌾 ❤️', '🇩🇪🇫🇷', '👍🏽', '1️⃣', '🏴󠁧󠁢󠁥󠁮󠁧󠁿'])
      expect(isEmojiOnly(text), text).toBe(true)
    for (const text of ['', ' ', 'a👍', '1', '12', '#', '👍'.repeat(40)])
      expect(isEmojiOnly(text), text).toBe(false)
  })
})
