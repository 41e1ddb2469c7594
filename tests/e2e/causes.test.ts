// What stands between a good link and the host, one cause at a time: the page names the one it is, and recovers.
import { randomBytes } from 'node:crypto'
import { chromium } from 'playwright-core'
import { expect } from 'vitest'
import { Client, chromiumDriver } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'
import type { Host } from './host.ts'

interface Setting {
  host: Host
  ann: Client
  args: string[]
  link: string
}

async function setting(lab: Lab): Promise<Setting> {
  const args = ['--http', `127.0.0.1:${freePort()}`]
  const { host, ready } = await lab.host(args)
  return { host, args, link: String(ready.invite), ann: await lab.chromium('Ann') }
}

async function joinFails({ ann, link }: Setting): Promise<string> {
  await ann.driver.goto(link)
  await ann.driver.fill('Your name', 'Ann')
  await ann.driver.press('Join')
  return ann.alertCode()
}

/** The record as a store gives it, asked for by the page's own request. */
async function recordOf(lab: Lab, link: string): Promise<Uint8Array> {
  const id = storageId(new URL(link).hash.slice(1))
  const answer = await fetch(new URL(`/v1/records/${id}`, link))
  expect(answer.status, `record of ${lab.path('')}`).toBe(200)
  return new Uint8Array(await answer.arrayBuffer())
}

/** Finds the first https store in the locator of an invite (SPEC §2, §2.1). */
function storageId(fragment: string): string {
  const bytes = Buffer.from(fragment, 'base64url')
  const locator = 1 + 1 + 32 + 32 + 8 + 1 + bytes.readUInt8(74)
  expect(bytes.readUInt8(locator + 1)).toBe(1)
  return bytes.subarray(locator + 5, locator + 37).toString('hex')
}

labTest('no record in any store', async (lab) => {
  const there = await setting(lab)
  await there.ann.driver.answerRecords(null)
  expect(await joinFails(there)).toBe('record-missing')
})

labTest('a store that gives rubbish', async (lab) => {
  const there = await setting(lab)
  await there.ann.driver.answerRecords(randomBytes(6144))
  expect(await joinFails(there)).toBe('record-malformed')
})

labTest('the record of another host', async (lab) => {
  const there = await setting(lab)
  const other = await lab.host(['--http', `127.0.0.1:${freePort()}`], lab.path('other'))
  await there.ann.driver.answerRecords(await recordOf(lab, String(other.ready.invite)))
  expect(['record-no-slot', 'record-foreign']).toContain(await joinFails(there))
})

labTest('a record and nobody who answers the knock, as behind a firewall', async (lab) => {
  const there = await setting(lab)
  await there.ann.driver.answerRecords(await recordOf(lab, there.link))
  await there.ann.driver.goto(there.link)
  // The page is all there by then, its language too.
  await there.ann.driver.fill('Your name', 'Ann')
  await there.host.kill()
  await there.ann.driver.press('Join')
  expect(await there.ann.alertCode(60_000)).toBe('no-answer')
  await there.ann.waitText('firewall')
})

labTest(
  'a host that has gone away: the details say why, and go on saying it while others try',
  async (lab) => {
    const { host, ann, link } = await setting(lab)
    await ann.join(link)
    await host.kill()
    await ann.driver.press('Connection details')
    const failed = () => document.querySelector('.steps .failed[data-step="direct"]') !== null
    await ann.driver.until(failed, null, 60_000)
    await ann.driver.read(() => {
      const seen = { gone: false }
      Object.assign(globalThis, { seen })
      const look = (): void => {
        seen.gone ||= document.querySelector('.steps .failed[data-step="direct"]') === null
      }
      const what = { subtree: true, childList: true, attributes: true }
      new MutationObserver(look).observe(document.body, what)
    }, null)
    // Each of them looks for the record first.
    const lookups = () =>
      performance.getEntriesByType('resource').filter(({ name }) => name.includes('/v1/records/'))
        .length
    const before = await ann.driver.read(lookups, null)
    await ann.driver.until(
      (more) =>
        performance.getEntriesByType('resource').filter(({ name }) => name.includes('/v1/records/'))
          .length > more,
      before + 2,
      60_000,
    )
    const seen = () => (globalThis as unknown as { seen: { gone: boolean } }).seen
    expect(await ann.driver.read(seen, null)).toEqual({ gone: false })
  },
)

labTest('a computer without any network chats with itself', async (lab) => {
  const { ann, link } = await setting(lab)
  lab.unplug()
  await ann.join(link, 'relay')
  await ann.send('to myself')
  await ann.waitMessage('to myself', 'sent')
})

labTest('a browser that keeps nothing', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  try {
    const page = await browser.newPage()
    // As with storage that is blocked for this page.
    await page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('denied', 'SecurityError')
      }
    })
    const ann = new Client('Ann', chromiumDriver(page))
    await ann.driver.goto(String(ready.invite))
    expect(await ann.alertCode()).toBe('storage')
    expect(await ann.driver.read(() => document.body.textContent ?? '', null)).toMatch(
      /Allow storage/,
    )
  } finally {
    await browser.close()
  }
})
