// Marks in messages as elements, links that say where they lead, and nothing that hostile texts can do to the page.
import { expect, test } from 'vitest'
import type { Message } from '../../web/model.ts'
import { freePort, labTest } from './harness.ts'
import { onStage, type Stage } from './stage.ts'

const messageOf = (n: number, text: string): Message => ({
  id: `m${n}`,
  room: '00'.repeat(16),
  ...{
    edited: false,
    deleted: false,
    gone: false,
    endsAtMs: 0,
    notice: null,
    change: 0,
    replyTo: null,
    reactions: [],
  },
  ...{ author: 'b2', mine: false, text, seq: n, state: 'sent' },
  atMs: Date.UTC(2026, 2, 3, 9, n),
})
const show = ({ show }: Stage, ...texts: string[]) =>
  show({ messages: texts.map((text, i) => messageOf(i + 1, text)) })

labTest(
  'a message with marks is the same for both, under the real policy, and nothing is loaded for it',
  async (lab) => {
    const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
    const ann = await lab.chromium('Ann')
    const ben = await lab.chromium('Ben')
    await ann.join(String(ready.invite))
    await ben.join(await host.invite())
    const text = [
      '**All** of *it*: `code`, ~~gone~~, https://example.org/a_b',
      '![a picture](https://example.org/x.png) <img src="https://example.org/y.png">',
      '> said',
      '- one',
      '- two',
      '```js',
      'const a = "b"',
      '```',
    ].join('\n')
    await ann.send(text)
    const shownTo = async (client: typeof ann) => {
      await client.driver.until(() => document.querySelector('article pre') !== null, null, 45_000)
      return client.driver.read(() => {
        const part = document.querySelector('[role="log"] [data-part="text"]')
        const count = (what: string) => part?.querySelectorAll(what).length
        return {
          parts: ['strong', 'em', 's', 'a', 'blockquote', 'ul > li', 'pre .code-string'].map(count),
          foreign: count('img, script, iframe, [style]'),
          loaded: performance
            .getEntriesByType('resource')
            .filter(({ name }) => name.includes('example.org')).length,
          links: [...(part?.querySelectorAll('a') ?? [])].map((a) => [a.rel, a.target, a.href]),
        }
      }, null)
    }
    const rel = 'noopener noreferrer nofollow'
    for (const client of [ann, ben]) {
      expect(await shownTo(client)).toEqual({
        parts: [1, 1, 1, 3, 1, 2, 1],
        foreign: 0,
        loaded: 0,
        links: [
          [rel, '_blank', 'https://example.org/a_b'],
          [rel, '_blank', 'https://example.org/x.png'],
          // Of the markup that stayed text.
          [rel, '_blank', 'https://example.org/y.png'],
        ],
      })
    }
  },
)

test('plain texts keep their very text; a link with other words shows its host', async () => {
  await onStage({}, async (stage) => {
    const plain = ['2*3*4 a_b_c [x] 50% ~ #1', 'a\n\n  b\n', '<b>&amp;</b>', 'שלום hello 你好']
    await show(stage, ...plain)
    const texts = () => stage.page.locator('[data-part="text"]').allTextContents()
    expect(await texts()).toEqual(plain)
    await show(
      stage,
      '[https://bank.example](https://evil.example/x)',
      'https://bank.example@evil.example',
    )
    expect(await texts()).toEqual([
      'https://bank.example (evil.example)',
      'https://bank.example@evil.example (evil.example)',
    ])
  })
})

test('hostile texts stay in their bubble: turned letters, heaps of accents, endless words', async () => {
  await onStage({ viewport: { width: 390, height: 844 } }, async (stage) => {
    const heap = `Z${'\u0351\u0323'.repeat(300)}algo`
    await show(
      stage,
      '\u202egnp.exe',
      heap,
      'x'.repeat(3000),
      `${'x'.repeat(300)} `.repeat(5),
      '👍',
    )
    const seen = await stage.page.evaluate(() => ({
      texts: [...document.querySelectorAll('[data-part="text"]')].map((one) => one.textContent),
      isolated: [...document.querySelectorAll('[data-part="text"]')].every((one) =>
        getComputedStyle(one).unicodeBidi.includes('isolate'),
      ),
      clipped: [...document.querySelectorAll('.bubble')].every(
        (one) => getComputedStyle(one).overflow === 'clip',
      ),
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      big: document.querySelectorAll('.emoji-only').length,
    }))
    expect(seen.texts[0]).toBe('[U+202E]gnp.exe')
    expect(seen).toMatchObject({ isolated: true, clipped: true, overflow: 0, big: 1 })
  })
})

test('the longest hostile texts are drawn without a hang, and the page goes on', async () => {
  await onStage({}, async (stage) => {
    const units = [
      '>',
      '[',
      '*a ',
      '`',
      '- ',
      '> - ',
      '_a',
      'http://a.b/)',
      '**a *b ',
      '@',
      '\u0301',
    ]
    await show(stage, ...units.map((unit) => unit.repeat(16_000 / unit.length)), 'after')
    expect(await stage.page.locator('article').count()).toBe(units.length + 1)
    const deepest = await stage.page.evaluate(() => {
      const depth = (node: Element): number =>
        Math.max(0, ...[...node.children].map((child) => 1 + depth(child)))
      return depth(document.querySelector('.list') ?? document.body)
    })
    expect(deepest).toBeLessThan(40)
    await stage.page.getByRole('textbox', { name: 'Message' }).fill('still here')
  })
})
