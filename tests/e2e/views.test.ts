// The views in states that no host leads to, or not in time: what is missing, where the reader stays, what can be seen.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { AppState, Message } from '../../web/model.ts'
import { onStage } from './stage.ts'

test('the Security dialog says what is missing, and what to do', async () => {
  await onStage({}, async ({ page, show }) => {
    const dialog = page.getByRole('dialog', { name: 'Security' })
    const connection = {
      state: 'reconnecting',
      route: null,
      epoch: null,
      latencyMs: null,
      steps: [],
    } as const
    await show({ connection })
    await page.getByRole('button', { name: 'Security' }).click()
    expect(await dialog.textContent()).toContain('not known yet')
    expect(await dialog.textContent()).toContain('Connection details')
    const security = {
      hostFingerprint: '00112233445566778899aabbccddeeff',
      safetyCode: [],
      keysRenewedAtMs: null,
      messageKeyAtMs: null,
      recordAtMs: null,
      epoch: null,
      intervalMs: null,
      knownSinceMs: null,
      keyProtected: true,
      secureContext: true,
      backend: 'webcrypto',
    } as const
    await show({ connection, security })
    expect(await dialog.textContent()).toContain('no safety code yet')
    expect(await dialog.textContent()).not.toContain('Same numbers')
    // What was missing comes into the open dialog by itself.
    await show({ security: { ...security, safetyCode: Array(12).fill('12345') } })
    expect((await dialog.textContent())?.match(/\b12345\b/g)).toHaveLength(12)
    expect(await dialog.textContent()).not.toContain('yet.')
  })
})

test('without network it is said what becomes of what one writes', async () => {
  await onStage({}, async ({ page, show }) => {
    const connection = {
      state: 'offline',
      route: null,
      epoch: 1,
      latencyMs: null,
      steps: [],
    } as const
    const sending = (n: number) => ({ ...messageOf(n, true), state: 'sending' }) as const
    for (const [messages, words] of [
      [[], 'What you write is kept here and will go out by itself.'],
      [[sending(1)], 'One message is kept here and will go out by itself.'],
      [[sending(1), sending(2)], '2 messages are kept here and will go out by themselves.'],
    ] as const) {
      await show({ connection, messages })
      expect(await page.textContent('body')).toContain(`This device has no network. ${words}`)
      await show({ connection: { ...connection, state: 'connected' }, messages })
      expect(await page.textContent('body')).not.toContain('kept here')
    }
  })
})

test('plain http is said where a link is opened and where one chats', async () => {
  await onStage({}, async ({ page, show }) => {
    for (const phase of ['join', 'chat'] as const) {
      await show({ phase }, false)
      expect(await page.textContent('body')).toContain('came without https')
      await show({ phase })
      expect(await page.textContent('body')).not.toContain('came without https')
    }
  })
})

/** The first message in view and how far off the upper edge of the log it begins; how far it is to the end. */
const placeIn = (page: Page) =>
  page.evaluate(async () => {
    // Two frames: what follows a change of size is done then.
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    const log = document.querySelector('[role="log"]')
    if (log === null) throw new Error('no log')
    const edge = log.getBoundingClientRect().top
    const rows = [...log.querySelectorAll<HTMLElement>('[data-id]')]
    const first = rows.find((row) => row.getBoundingClientRect().bottom > edge)
    return {
      first: first?.dataset.id,
      top: Math.abs((first?.getBoundingClientRect().top ?? 0) - edge),
      toEnd: Math.round(log.scrollHeight - log.scrollTop - log.clientHeight),
    }
  })

/** Puts a message at the upper edge, as a reader who scrolls. */
const scrollTo = (page: Page, id: string) =>
  page.locator(`[data-id="${id}"]`).evaluate(async (row) => {
    const moved = new Promise((resolve) => {
      row.closest('[role="log"]')?.addEventListener('scroll', resolve, { once: true })
    })
    row.scrollIntoView({ block: 'start' })
    await moved
  })

const messageOf = (n: number, mine = n % 3 === 0): Message => ({
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
  author: mine ? 'a1' : 'b2',
  mine,
  text: `${n}: ${'so it goes on. '.repeat(1 + (n % 9))}`,
  atMs: Date.UTC(2026, 2, 3, 9, n % 60),
  seq: n,
  state: 'sent',
})
const messagesOf = (from: number, to: number): Message[] =>
  Array.from({ length: to - from + 1 }, (_, i) => messageOf(from + i))

const PHONE = { width: 390, height: 844 }
const WITH_KEYBOARD = { width: 390, height: 420 }
const TURNED = { width: 844, height: 390 }

test('who is at the end stays there: a keyboard opens, the phone turns, a draft grows', async () => {
  await onStage({ viewport: PHONE, reducedMotion: 'reduce' }, async ({ page, show }) => {
    await show({ messages: messagesOf(31, 130) })
    expect((await placeIn(page)).toEnd).toBe(0)
    for (const size of [WITH_KEYBOARD, PHONE, TURNED, PHONE]) {
      await page.setViewportSize(size)
      expect((await placeIn(page)).toEnd, JSON.stringify(size)).toBe(0)
    }
    await page.getByRole('textbox', { name: 'Message' }).fill('a\nlonger\ndraft')
    expect((await placeIn(page)).toEnd).toBe(0)
    await show({ messages: messagesOf(31, 131), error: 'no-answer' })
    expect((await placeIn(page)).toEnd).toBe(0)
  })
})

test('who reads further up stays there, whatever comes and whatever size the page takes', async () => {
  await onStage({ viewport: PHONE, reducedMotion: 'reduce' }, async ({ page, show }) => {
    await show({ messages: messagesOf(31, 130), hasOlder: true })
    await scrollTo(page, 'm70')
    // A browser scrolls by whole pixels.
    const there = { first: 'm70', top: expect.closeTo(0, -0.3) }
    for (const size of [WITH_KEYBOARD, TURNED, { width: 1280, height: 500 }, PHONE]) {
      await page.setViewportSize(size)
      expect(await placeIn(page), JSON.stringify(size)).toMatchObject(there)
    }
    // Wider than it was when its messages came, and then older ones come in above and a new one below.
    await page.setViewportSize({ width: 700, height: 844 })
    await show({ messages: messagesOf(1, 130) })
    expect(await placeIn(page)).toMatchObject(there)
    await show({ messages: [...messagesOf(1, 130), messageOf(131, false)], error: 'no-answer' })
    expect(await placeIn(page)).toMatchObject(there)
    await page.getByRole('button', { name: 'New messages' }).click()
    expect((await placeIn(page)).toEnd).toBe(0)
    expect(await page.getByRole('button', { name: 'New messages' }).count()).toBe(0)
    // Who writes sees what they wrote.
    await scrollTo(page, 'm20')
    await show({ messages: [...messagesOf(1, 130), messageOf(131, false), messageOf(132, true)] })
    expect((await placeIn(page)).toEnd).toBe(0)
  })
})

/** Every text on screen that stands out from its ground by less than `least`: 1, and what it is. */
function faintTexts(least: number): string[] {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  /** The colours painted over each other, the last on top: red, green, blue in 0..255. */
  const painted = (colours: readonly string[]): number[] => {
    for (const colour of ['#fff', ...colours]) {
      if (canvas === null) throw new Error('no canvas')
      canvas.fillStyle = colour
      canvas.fillRect(0, 0, 1, 1)
    }
    return [...(canvas?.getImageData(0, 0, 1, 1).data.slice(0, 3) ?? [])]
  }
  const linear = (value: number): number =>
    value <= 10.31 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4
  const luminance = ([r = 0, g = 0, b = 0]: number[]): number =>
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
  const groundsOf = (element: Element | null): string[] =>
    element === null
      ? []
      : [...groundsOf(element.parentElement), getComputedStyle(element).backgroundColor]
  const faint: string[] = []
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const element = node.parentElement
    if (element === null || node.textContent?.trim() === '' || !element.checkVisibility()) continue
    const grounds = groundsOf(element)
    const ground = luminance(painted(grounds))
    const text = luminance(painted([...grounds, getComputedStyle(element).color]))
    const ratio = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05)
    if (ratio < least) faint.push(`${ratio.toFixed(2)} ${node.textContent}`)
  }
  return faint
}

const STEP = { ms: 12, facts: {} } as const
/** A chat in which much is going on and something is wrong. */
const BUSY: Partial<AppState> = {
  members: [
    {
      id: 'a1',
      name: 'Ann',
      role: 'owner',
      online: true,
      gone: false,
      hidden: false,
      tone: 0,
      picture: '',
      lastSeenMs: 0,
    },
    ...['Ben', 'Cleo', 'Dan', 'Eve', 'Fay', 'Gil'].map(
      (name) =>
        ({
          id: name,
          name,
          role: 'member',
          online: false,
          gone: false,
          hidden: false,
          tone: 0,
          picture: '',
          lastSeenMs: 0,
        }) as const,
    ),
  ],
  messages: [
    ...['Ben', 'Cleo', 'Dan', 'Eve', 'Fay', 'Gil', 'gone'].map((author, i) => ({
      ...messageOf(i + 1, false),
      author,
    })),
    ...(['read', 'failed', 'sending'] as const).map((state, i) => ({
      ...messageOf(i + 20, true),
      state,
    })),
  ],
  connection: {
    state: 'reconnecting',
    route: null,
    epoch: 1,
    latencyMs: null,
    steps: [
      { ...STEP, name: 'record', status: 'done', code: null },
      { ...STEP, name: 'direct', status: 'failed', code: 'no-answer' },
    ],
  },
  error: 'no-answer',
}

test.each(['light', 'dark'] as const)('every text is easy to read: %s', async (colorScheme) => {
  await onStage({ viewport: PHONE, colorScheme, reducedMotion: 'reduce' }, async (stage) => {
    const { page, show } = stage
    for (const contrast of ['no-preference', 'more'] as const) {
      await page.emulateMedia({ contrast })
      const least = contrast === 'more' ? 7 : 4.5
      const faint = () => page.evaluate(faintTexts, least)
      await show({ phase: 'join', error: 'no-answer' }, false)
      await page.getByRole('textbox', { name: 'Your name' }).fill('x'.repeat(60))
      expect(await faint(), `${contrast}, joining`).toEqual([])
      await show(BUSY, false)
      expect(await faint(), `${contrast}, chat`).toEqual([])
      const clock = { whose: 'device', aheadMs: 1e9, atLeast: true } as const
      await show({ ...BUSY, handover: 'record-forged', clock })
      expect(await faint(), `${contrast}, a bad file`).toEqual([])
      await page.getByRole('button', { name: 'Rooms and members' }).click()
      expect(await faint(), `${contrast}, members`).toEqual([])
      await page.getByRole('button', { name: 'Back to the conversation' }).click()
      for (const name of ['Security', 'Connection details']) {
        await page.getByRole('button', { name, exact: true }).click()
        expect(await faint(), `${contrast}, ${name}`).toEqual([])
        await page.keyboard.press('Escape')
      }
    }
  })
})

test('who is there is said only while the host tells it', async () => {
  await onStage({}, async ({ page, show }) => {
    const members = page.getByRole('list', { name: 'Members' })
    await show({ members: BUSY.members ?? [] })
    expect(await members.textContent()).toContain('Ann (you)here')
    expect(await members.textContent()).toContain('Benaway')
    await show(BUSY)
    expect(await members.textContent()).not.toMatch(/here|away/)
  })
})

test('the focus is seen on everything it comes to, and nothing is a shape of colour alone', async () => {
  await onStage({ viewport: PHONE, reducedMotion: 'reduce' }, async ({ page, show }) => {
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement ?? document.body
        // After the last one, before the first again.
        if (element === document.body) return { name: '', ring: 0 }
        const { outlineStyle, outlineWidth } = getComputedStyle(element)
        const name = element.getAttribute('aria-label') ?? element.textContent?.trim() ?? ''
        return { name, ring: outlineStyle === 'solid' ? Number.parseFloat(outlineWidth) : 0 }
      })
    for (const [contrast, px] of [
      ['no-preference', 2],
      ['more', 3],
    ] as const) {
      await page.emulateMedia({ contrast })
      await show({})
      await show(BUSY)
      const seen: string[] = []
      for (let i = 0; i < 15; i++) {
        await page.keyboard.press('Tab')
        const { name, ring } = await focused()
        if (name === '' || seen.includes(name)) continue
        seen.push(name)
        expect(ring, name).toBe(px)
      }
      expect(seen).toEqual(
        expect.arrayContaining([
          'Rooms and members',
          'Connection details',
          'Security',
          'Try again',
          'Messages',
          'Attach file',
          'Message',
          'Send',
        ]),
      )
    }
    await page.emulateMedia({ forcedColors: 'active' })
    await show(BUSY)
    const bare = () =>
      page.evaluate(() =>
        ['.bubble', '.send', '.avatar', '.quiet', 'textarea', '.room', 'dialog'].filter((part) => {
          const element = document.querySelector(part)
          const style = element === null ? null : getComputedStyle(element)
          return style === null || Number.parseFloat(style.borderInlineStartWidth) === 0
        }),
      )
    await page.getByRole('button', { name: 'Security', exact: true }).click()
    expect(await bare()).toEqual([])
  })
})
