// A person who looks elsewhere hears of news, in real Chromium: as much as they chose, once, until it is read.
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Client } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'
import { onStage } from './stage.ts'

const httpArgs = () => ['--http', `127.0.0.1:${freePort()}`]

/** Counts how often a tab shows something, whatever takes the place of what. */
function countShown(): void {
  const { prototype } = ServiceWorkerRegistration
  const real = prototype.showNotification
  prototype.showNotification = function (...given) {
    const tab = globalThis as { testShown?: number }
    tab.testShown = (tab.testShown ?? 0) + 1
    return real.apply(this, given)
  }
}

/** What cannot be seen or heard here: the badge that a tab asks for, and the notes of its tones. */
function overhear(): void {
  const tab = globalThis as { testBadges?: number[]; testNotes?: number[] }
  tab.testBadges = []
  tab.testNotes = []
  const badges = tab.testBadges
  Navigator.prototype.setAppBadge = async (count) => void badges.push(count ?? 0)
  const notes = tab.testNotes
  const { start } = OscillatorNode.prototype
  OscillatorNode.prototype.start = function (...when) {
    notes.push(this.frequency.value)
    return start.apply(this, when)
  }
}
const overheard = (page: Page) =>
  page.evaluate(() => {
    const tab = globalThis as { testBadges?: number[]; testNotes?: number[] }
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.href
    return {
      badge: tab.testBadges?.at(-1),
      notes: tab.testNotes,
      dot: icon?.endsWith('/icon-new.svg'),
    }
  })

/** Ann, who has let her browser show notifications and has joined. */
async function allowed(lab: Lab, url: string, invite: string) {
  const ann = await lab.profile('Ann', lab.path('ann'))
  const { origin } = new URL(url)
  await ann.page.context().grantPermissions(['notifications'], { origin })
  await ann.page.context().addInitScript(countShown)
  await ann.page.context().addInitScript(overhear)
  await ann.client.join(invite)
  await ann.page.evaluate(() => navigator.serviceWorker.ready.then(() => null))
  return ann
}

const WITH_TEXT =
  'Who writes, and the message. Whoever sees your screen can read it, also when it is locked'
const choose = (page: Page, name: string) => page.getByLabel(name, { exact: true }).check()

/** Another page comes to the front, and these lose the focus, which tests otherwise give to all. @returns coming back */
async function lookAway(...pages: readonly Page[]): Promise<() => Promise<void>> {
  const [first] = pages
  const other = await first?.context().newPage()
  await other?.bringToFront()
  const all = await Promise.all(pages.map((page) => page.context().newCDPSession(page)))
  const emulate = (enabled: boolean) =>
    Promise.all(all.map((each) => each.send('Emulation.setFocusEmulationEnabled', { enabled })))
  await emulate(false)
  for (const page of pages) await page.waitForFunction(() => !document.hasFocus())
  return async () => {
    await other?.close()
    await first?.bringToFront()
    await emulate(true)
    await first?.waitForFunction(() => document.hasFocus())
  }
}

/** by `countShown`, in all of these */
async function countOf(...tabs: readonly Page[]): Promise<number> {
  const counts = await Promise.all(
    tabs.map((tab) => tab.evaluate(() => (globalThis as { testShown?: number }).testShown ?? 0)),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

const shown = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    return (await registration.getNotifications()).map(({ title, body }) => `${title}: ${body}`)
  })
const untilShown = async (page: Page, wanted: readonly string[]): Promise<void> => {
  await expect.poll(() => shown(page), { timeout: 45_000 }).toEqual(wanted)
}

labTest(
  'a silenced room tells only of a mention; what is pressed leads into its room',
  async (lab) => {
    const { host, ready } = await lab.host(httpArgs())
    const { client: ann, page } = await allowed(lab, String(ready.page), String(ready.invite))
    const ben: Client = await lab.chromium('Ben')
    await ben.join(await host.invite())
    await ann.driver.press('Notifications')
    await choose(page, 'Show notifications of this system')
    await choose(page, 'Silence My host')
    await ann.driver.key('Escape')
    await lookAway(page)
    await ben.send('to the silenced room')
    await ann.waitMessage('to the silenced room')
    await ben.send('and now, @ann')
    await untilShown(page, ['ClawChat: New message'])
    expect(await countOf(page)).toBe(1)
    expect(await page.title()).toBe('ClawChat')

    await ben.driver.press('Write to Ann alone')
    await ben.driver.until(() => document.querySelector('h1')?.textContent === 'Ann', null, 20_000)
    await ben.send('between us')
    await untilShown(page, ['ClawChat: New message', 'ClawChat: New message'])
    await page.waitForFunction(() => document.title === '(1) ClawChat')
    const [worker] = page.context().serviceWorkers()
    if (worker === undefined) throw new Error('no service worker to press in')
    await worker.evaluate(async () => {
      const scope = globalThis as unknown as { registration: ServiceWorkerRegistration }
      const notifications = await scope.registration.getNotifications()
      // Not the one of the host's own room, whose id is zero.
      const notification = notifications.find(({ tag }) => !/^0+$/.test(tag))
      // Without a finger that presses it no window may come to the front; the room opens all the same.
      addEventListener('unhandledrejection', (event) => event.preventDefault())
      const Pressed = (globalThis as unknown as { NotificationEvent: typeof Event })
        .NotificationEvent
      dispatchEvent(new Pressed('notificationclick', { notification } as EventInit))
    })
    await page.waitForFunction(() => document.querySelector('h1')?.textContent === 'Ben')
    await ann.waitMessage('between us')
  },
)

labTest(
  'of two tabs one tells, as much as was chosen; dot, badge and tone come with it and go with reading',
  async (lab) => {
    const { host, ready } = await lab.host(httpArgs())
    const { client: ann, page } = await allowed(lab, String(ready.page), String(ready.invite))
    const ben: Client = await lab.chromium('Ben')
    await ben.join(await host.invite())
    const second = await page.context().newPage()
    await second.goto(String(ready.page))
    await second.getByRole('textbox', { name: 'Message' }).waitFor()
    await page.bringToFront()
    await ann.driver.press('Notifications')
    await choose(page, 'Show notifications of this system')
    await choose(page, 'A soft tone with each')
    await choose(page, WITH_TEXT)
    await ann.driver.key('Escape')
    expect(await overheard(page)).toEqual({ badge: 0, notes: [], dot: false })

    const comeBack = await lookAway(page, second)
    await ben.send('the rhubarb is here')
    await untilShown(page, ['Ben in My host: the rhubarb is here'])
    for (const tab of [page, second])
      await tab.waitForFunction(() => document.title === '(1) ClawChat')
    expect(await countOf(page, second)).toBe(1)
    expect(await overheard(page)).toEqual({ badge: 1, notes: [660, 880], dot: true })
    expect(await overheard(second)).toEqual({ badge: 1, notes: [], dot: true })

    await comeBack()
    await untilShown(page, [])
    await page.waitForFunction(() => document.title === 'ClawChat')
    expect(await overheard(page)).toMatchObject({ badge: 0, dot: false })
    await ann.driver.press('Notifications')
    await choose(page, 'Who writes')
    await ann.driver.key('Escape')
    await lookAway(page, second)
    await ben.send('and the gooseberries')
    await untilShown(page, ['Ben in My host: New message'])
    expect(await countOf(page, second)).toBe(2)
  },
)

labTest('permission is asked for behind words and a button', async () => {
  await onStage({}, async ({ page, show }) => {
    await show({})
    await page.getByRole('button', { name: 'Notifications', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Notifications' })
    await dialog
      .getByText('Your browser will ask whether this page may show notifications')
      .waitFor()
    await dialog.getByRole('button', { name: 'Turn on notifications' }).waitFor()
    expect(await dialog.getByRole('radio').count()).toBe(0)
  })
})
