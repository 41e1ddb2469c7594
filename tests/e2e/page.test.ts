// The page for people who look closely, with a real host: by keyboard, its dialogs, on a phone, on a slow start.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { Client, chromiumDriver } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'

async function joined(lab: Lab): Promise<Client> {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  return ann
}

/** The text of the open dialog of that name, or null. */
async function dialog(client: Client, name: string): Promise<string | null> {
  // Its part of the page may be on its way.
  const isWhole = () => document.querySelector('dialog .skeleton') === null
  await client.driver.until(isWhole, null, 20_000)
  return client.driver.read((name) => {
    const open = [...document.querySelectorAll('dialog[open], [role="dialog"]')]
    const label = (element: Element) => {
      const by = element.getAttribute('aria-labelledby')
      return element.getAttribute('aria-label') ?? (by && document.getElementById(by)?.textContent)
    }
    return open.find((element) => label(element)?.trim() === name)?.textContent ?? null
  }, name)
}

labTest('joining and writing need no mouse', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  await ann.driver.goto(String(ready.invite))
  await ann.driver.fill('Your name', 'Ann')
  await ann.driver.key('Enter')
  await ann.waitConnected()
  await ann.driver.fill('Message', 'first line')
  await ann.driver.key('Shift+Enter')
  await ann.driver.type('second line')
  await ann.driver.key('Enter')
  await ann.waitMessage('first line\nsecond line', 'sent')
  // The focus stays where one writes on.
  await ann.driver.type('next')
  await ann.driver.key('Enter')
  await ann.waitMessage('next', 'sent')
})

labTest(
  'the Security dialog tells route, host, safety code and port epoch, and Escape closes it',
  async (lab) => {
    const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await ann.driver.press('Security')
    const text = (await dialog(ann, 'Security')) ?? ''
    expect(text).toMatch(/AES-256-GCM/)
    expect(text).toMatch(/ML-KEM-768/)
    expect(text.match(/\b\d{5}\b/g)?.length ?? 0).toBeGreaterThanOrEqual(12)
    expect(text).toContain(await ann.epoch())
    // Each rotation of keys with its time, as this browser's clock shows times.
    const dated = /(Keys renewed|Message key|Address keys)[A-Z][a-z]+ \d+, \d{4}, \d{1,2}:\d{2}/g
    expect(text.match(dated)).toHaveLength(3)
    expect(text).toMatch(/Port moves.*in \d+ (min|s)/)
    // What a person compares: the same fingerprint on both ends.
    const { lines } = await host.command('status')
    expect(String(lines[0]?.identity)).toMatch(/^[0-9a-f]{32}$/)
    expect(text).toContain(String(lines[0]?.identity))
    await ann.driver.key('Escape')
    expect(await dialog(ann, 'Security')).toBeNull()
  },
)

labTest(
  'a part of the page that does not come is said, and comes when it is asked again',
  async (lab) => {
    const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
    const { page, client } = await lab.profile('Ann', lab.path('ann'))
    const failures: string[] = []
    page.on('requestfailed', (request) => failures.push(new URL(request.url()).pathname))
    const [chatting, chat, dialogs] = ['chatting', 'Chat', 'ChatDialog'].map(
      (name) => `**/assets/${name}-*.js`,
    ) as [string, string, string]
    for (const part of [chatting, chat, dialogs])
      await page.route(part, (route) => route.abort('connectionrefused'))
    await page.goto(String(ready.invite))
    await client.driver.fill('Your name', 'Ann')
    await client.driver.press('Join')
    // Before the host has given anything away for this name.
    const alert = page.locator('[data-code="page-incomplete"]')
    await alert.getByText('A part of this page is missing.').waitFor()
    await page.unroute(chatting)
    await alert.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'ClawChat could not start' }).waitFor()
    await page.unroute(chat)
    await page.getByRole('button', { name: 'Try again' }).click()
    await client.waitConnected()
    await client.driver.press('Settings')
    const settings = page.getByRole('dialog', { name: 'Settings' })
    await settings.locator('[data-code="page-incomplete"]').waitFor()
    await page.unroute(dialogs)
    await settings.getByRole('button', { name: 'Try again' }).click()
    await settings.getByRole('combobox', { name: 'Language' }).waitFor()
    expect(failures.length).toBeGreaterThanOrEqual(3)
  },
)

labTest('Connection details lists the steps with their times', async (lab) => {
  const ann = await joined(lab)
  await ann.driver.press('Connection details')
  await ann.driver.until(() => / ms\b/.test(document.body.textContent ?? ''), null, 10_000)
})

labTest('the page has its landmarks, and nothing sticks out on a phone', async (lab) => {
  const ann = await joined(lab)
  await ann.send(`a very long word: ${'x'.repeat(400)}`)
  await ann.waitMessage(`a very long word: ${'x'.repeat(400)}`, 'sent')
  await ann.driver.resize(360, 640)
  const seen = await ann.driver.read(
    () => ({
      log: document.querySelectorAll('[role="log"][aria-label="Messages"]').length,
      status: document.querySelectorAll('[role="status"][data-state]').length,
      language: document.documentElement.lang,
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    }),
    null,
  )
  expect(seen).toEqual({ log: 1, status: 1, language: 'en', overflow: 0 })
})

/** Whether rooms and members are on screen and the conversation out of reach, and what has the focus. */
const sideOf = (client: Client) =>
  client.driver.read(() => {
    const rooms = document.querySelector('nav[aria-label="Rooms"]')
    const members = rooms?.querySelector('ul[aria-label="Members"]')
    const covered = document.querySelector('[role="log"]')?.closest('[inert]') ?? null
    return {
      rooms: rooms?.checkVisibility() ?? false,
      members: members?.checkVisibility() ? members.textContent : null,
      covered: covered !== null,
      focus: document.activeElement?.getAttribute('aria-label') ?? null,
    }
  }, null)

labTest('on a phone rooms and members open from the header, by keyboard too', async (lab) => {
  const ann = await joined(lab)
  expect(await sideOf(ann)).toMatchObject({ rooms: true, covered: false })
  await ann.driver.resize(390, 844)
  expect(await sideOf(ann)).toMatchObject({ rooms: false, members: null, covered: false })
  const opened = {
    rooms: true,
    members: expect.stringContaining('Ann (you)'),
    covered: true,
    focus: 'Back to the conversation',
  }
  const closed = { rooms: false, members: null, covered: false, focus: 'Rooms and members' }
  const shows = (open: boolean) =>
    ann.driver.until(
      (open) => document.querySelector('nav[aria-label="Rooms"]')?.checkVisibility() === open,
      open,
      5000,
    )
  const goBack = () => ann.driver.read(() => history.back(), null)
  const ways = [
    () => ann.driver.press('Back to the conversation'),
    () => ann.driver.key('Escape'),
    goBack,
  ]
  await ann.driver.press('Rooms and members')
  for (const close of ways) {
    expect(await sideOf(ann)).toEqual(opened)
    await close()
    await shows(false)
    expect(await sideOf(ann)).toEqual(closed)
    await ann.driver.key('Enter')
    await shows(true)
  }
  // A wider window has room for both; the focus stays on something that is there.
  await ann.driver.resize(844, 390)
  await ann.driver.until(() => document.querySelector('[inert]') === null, null, 5000)
  expect(
    await ann.driver.read(() => document.activeElement?.getAttribute('aria-current'), null),
  ).toBe('page')
  await ann.send('from the wide window')
  await ann.waitMessage('from the wide window', 'sent')
})

labTest('markup in a message stays text', async (lab) => {
  const ann = await joined(lab)
  const text = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
  await ann.send(text)
  await ann.waitMessage(text, 'sent')
  expect(
    await ann.driver.read(
      () => document.querySelectorAll('[role="log"] img, [role="log"] script').length,
      null,
    ),
  ).toBe(0)
})

/** Where header, log and composer stand. */
const boxesOf = (client: Client) =>
  client.driver.read(
    () =>
      ['.top', '.log', '.composer'].map((part) => {
        const { x, y, width, height } =
          document.querySelector(part)?.getBoundingClientRect() ?? new DOMRect()
        return { part, x, y, width, height }
      }),
    null,
  )

labTest(
  'a slow start shows the layout to come, and nothing moves once it has come',
  async (lab) => {
    const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    })
    try {
      const context = await browser.newContext({ reducedMotion: 'reduce' })
      const ann = new Client('Ann', chromiumDriver(await context.newPage()))
      await ann.join(String(ready.invite))
      await ann.send('before')
      await ann.waitMessage('before', 'sent')
      // Another page of the same origin holds the storage, as a slow disk would.
      const other = await context.newPage()
      await other.goto(new URL('/icon.svg', String(ready.page)).href)
      for (const [width, height] of [
        [390, 844],
        [1280, 800],
      ] as const) {
        await ann.driver.resize(width, height)
        await other.evaluate(holdStorage)
        await ann.driver.reload()
        await ann.driver.until(
          () =>
            document.querySelector('.starting')?.checkVisibility({ visibilityProperty: true }) ===
            true,
          null,
          10_000,
        )
        const early = await boxesOf(ann)
        expect(early.map(({ width }) => width > 300)).toEqual([true, true, true])
        expect(
          await ann.driver.read(
            () => document.querySelector('[aria-busy="true"]')?.textContent,
            null,
          ),
        ).toContain('starting')
        const moving = () =>
          document.getAnimations().filter((one) => one.effect?.getComputedTiming().duration !== 0)
            .length
        expect(await ann.driver.read(moving, null)).toBe(0)
        await other.evaluate(() => globalThis.dispatchEvent(new Event('let-go')))
        await ann.waitMessage('before', 'sent')
        expect(await boxesOf(ann)).toEqual(early)
      }
      expect(ann.driver.errors).toEqual([])
    } finally {
      await browser.close()
    }
  },
)

/** Runs in a page: keeps every store of the origin busy until `let-go`. */
async function holdStorage(): Promise<void> {
  for (const { name = '' } of await indexedDB.databases()) {
    const db = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name)
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
    const stores = [...db.objectStoreNames]
    const [first = ''] = stores
    const transaction = db.transaction(stores, 'readwrite')
    let busy = true
    addEventListener('let-go', () => {
      busy = false
    })
    const again = (): void => {
      if (busy) transaction.objectStore(first).count().onsuccess = again
      else db.close()
    }
    await new Promise<void>((resolve) => {
      transaction.objectStore(first).count().onsuccess = () => {
        again()
        resolve()
      }
    })
  }
}

labTest('a name is counted in bytes, as the host counts it', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  await ann.driver.goto(String(ready.invite))
  const problem = () =>
    ann.driver.read(() => {
      const field = document.querySelector<HTMLInputElement>('#name')
      const said = document.getElementById(field?.getAttribute('aria-describedby') ?? '')
      return { text: said?.textContent, invalid: field?.ariaInvalid, value: field?.value }
    }, null)
  const tooLong = '👩‍🌾'.repeat(5)
  expect(Buffer.byteLength(tooLong)).toBe(55)
  await ann.driver.fill('Your name', tooLong)
  expect(await problem()).toEqual({
    text: expect.stringContaining('Too long by 7 bytes'),
    invalid: 'true',
    value: tooLong,
  })
  // Join says it again instead of asking the host.
  await ann.driver.press('Join')
  expect(await ann.driver.read(() => document.activeElement?.id, null)).toBe('name')
  expect(await ann.driver.read(() => document.querySelector('[role="alert"]'), null)).toBeNull()
  const fits = 'é'.repeat(24)
  await ann.driver.fill('Your name', fits)
  expect(await problem()).toEqual({ text: '', invalid: 'false', value: fits })
  await ann.driver.press('Join')
  await ann.waitConnected()
  await ann.waitText(`${fits} (you)`)
})

labTest('a link for two browsers lets in two, and never claims to work once', async (lab) => {
  const { host } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const link = await host.invite('--uses', '2')
  for (const name of ['Ann', 'Ben']) {
    const client = await lab.chromium(name)
    await client.driver.goto(link)
    await client.waitText('as many browsers as its maker allowed')
    expect(await client.driver.read(() => document.body.textContent, null)).not.toContain('once.')
    await client.driver.fill('Your name', name)
    await client.driver.press('Join')
    await client.waitConnected()
  }
})

test('the page that is tested is the one that is shipped: no debugging code, no path of this machine', () => {
  const folder = resolve(import.meta.dirname, '../../web/dist/assets')
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.js'))
  expect(scripts.length).toBeGreaterThan(0)
  for (const name of scripts) {
    const text = readFileSync(join(folder, name), 'utf8')
    expect(text).not.toContain(resolve(import.meta.dirname, '../..'))
    expect(text).not.toContain('lineNumber:')
  }
})
