// The page for people who look closely: by keyboard, its dialogs, on a phone.
import { expect } from 'vitest'
import type { Client } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'

async function joined(lab: Lab): Promise<Client> {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  return ann
}

/** The text of the open dialog of that name, or null. */
function dialog(client: Client, name: string): Promise<string | null> {
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
    const ann = await joined(lab)
    await ann.driver.press('Security')
    const text = (await dialog(ann, 'Security')) ?? ''
    expect(text).toMatch(/AES-256-GCM/)
    expect(text).toMatch(/ML-KEM-768/)
    expect(text.match(/\b\d{5}\b/g)?.length ?? 0).toBeGreaterThanOrEqual(12)
    expect(text).toContain(await ann.epoch())
    await ann.driver.key('Escape')
    expect(await dialog(ann, 'Security')).toBeNull()
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
