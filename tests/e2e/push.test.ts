// A browser that is closed is told that something waits, and of nothing else (SPEC §7.8). No push service can be reached from
// here: the browser's own end is the test's, which hands out addresses at an emulator; what a push wakes is real.
import { writeFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { PushService, type Subscription } from '../emulators/push.ts'
import type { Client } from './client.ts'
import { freePort, labTest } from './harness.ts'

/** Runs in a page before anything of it: the part of the browser that would ask its maker for an address. */
function handOut(given: { endpoint: string; p256dh: number[]; auth: number[] }): void {
  const { prototype } = PushManager
  let held: object | null = null
  prototype.subscribe = async (options) => {
    const key = new Uint8Array(options?.applicationServerKey as ArrayBuffer)
    localStorage.setItem('test-key', btoa(String.fromCharCode(...key)))
    held = {
      endpoint: given.endpoint,
      getKey: (name: 'p256dh' | 'auth') => Uint8Array.from(given[name]).buffer,
      unsubscribe: async () => {
        held = null
        return true
      },
    }
    return held as globalThis.PushSubscription
  }
  prototype.getSubscription = async () => held as globalThis.PushSubscription | null
}

const asNumbers = ({ endpoint, p256dh, auth }: Subscription) => ({
  ...{ endpoint, p256dh: [...p256dh], auth: [...auth] },
})
const PUSH = 'Also when no page of this chat is open'

labTest(
  'a closed browser is told that something waits, by the key that it was given, once',
  async (lab) => {
    const service = new PushService()
    await service.start()
    lab.closing(() => service.close())
    writeFileSync(lab.path('service.pem'), service.cert)
    const args = ['--http', `127.0.0.1:${freePort()}`, '--push-service', service.host]
    const env = { NODE_EXTRA_CA_CERTS: lab.path('service.pem') }
    const { host, ready } = await lab.host(args, lab.path('host'), env)
    const { client: ann, page } = await lab.profile('Ann', lab.path('ann'))
    const { origin } = new URL(String(ready.page))
    await page.context().grantPermissions(['notifications'], { origin })
    await page.addInitScript(handOut, asNumbers(service.subscribe('ann')))
    await ann.join(String(ready.invite))
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => null))
    const ben: Client = await lab.chromium('Ben')
    await ben.join(await host.invite())

    await ann.driver.press('Notifications')
    await page.getByLabel(PUSH, { exact: true }).click()
    await page.waitForFunction(() => localStorage.getItem('test-key') !== null)
    await page.waitForFunction(
      (label) =>
        [...document.querySelectorAll('label')]
          .find((each) => each.textContent === label)
          ?.control?.matches(':checked'),
      PUSH,
    )
    const key = await page.evaluate(() => localStorage.getItem('test-key'))
    const came = service.next()
    await page.goto('about:blank')
    await ben.send('while Ann is away')
    expect(await came).toBe(201)
    expect(service.deliveries).toHaveLength(1)
    const [delivery] = service.deliveries
    expect(delivery).toMatchObject({ plain: Uint8Array.of(1), bytes: 231, topic: 'news' })
    expect(Buffer.from(String(delivery?.sender), 'base64url').toString('base64')).toBe(key)
  },
)

labTest('an address that the host may not send to is refused in words', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const { client: ann, page } = await lab.profile('Ann', lab.path('ann'))
  const { origin } = new URL(String(ready.page))
  await page.context().grantPermissions(['notifications'], { origin })
  const service = new PushService()
  await service.start()
  lab.closing(() => service.close())
  await page.addInitScript(handOut, asNumbers(service.subscribe('ann')))
  await ann.join(String(ready.invite))
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => null))
  await ann.driver.press('Notifications')
  await page.getByLabel(PUSH, { exact: true }).click()
  await page.locator('[data-code="push-refused"]').waitFor()
  expect(await page.getByLabel(PUSH, { exact: true }).isChecked()).toBe(false)
  expect(service.requests).toBe(0)
})

/** The event that a browser makes of a message of its push service. That it is the test's own shows in `waitUntil` only. */
async function deliver(page: Page): Promise<void> {
  const [worker] = page.context().serviceWorkers()
  if (worker === undefined) throw new Error('no service worker to deliver to')
  await worker.evaluate(() => {
    const Pushed = (globalThis as unknown as { PushEvent: typeof Event }).PushEvent
    dispatchEvent(new Pushed('push'))
  })
}
const titles = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    return (await registration.getNotifications()).map(({ title, body }) => `${title}: ${body}`)
  })

labTest(
  'a push shows one notification that tells nothing, in the language chosen here, and none to who looks',
  async (lab) => {
    const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
    const { client: ann, page } = await lab.profile('Ann', lab.path('ann'))
    const { origin } = new URL(String(ready.page))
    await page.context().grantPermissions(['notifications'], { origin })
    await ann.join(String(ready.invite))
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => null))
    await ann.driver.press('Settings')
    await page.getByRole('combobox', { name: 'Language' }).selectOption('de')
    await page.waitForFunction(
      async () => (await (await caches.match('./push-words'))?.text()) === 'Neue Nachricht',
    )
    await ann.driver.key('Escape')
    await deliver(page)
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: false })
    const other = await page.context().newPage()
    await other.bringToFront()
    await page.waitForFunction(() => !document.hasFocus())
    expect(await titles(page)).toEqual([])
    await deliver(page)
    await deliver(page)
    await expect.poll(() => titles(page), { timeout: 20_000 }).toEqual(['ClawChat: Neue Nachricht'])
  },
)
