// Several tabs of one browser are one device: one of them talks to the host, whichever was joined in (SPEC §6.2).
import { chromium } from 'playwright-core'
import { expect } from 'vitest'
import { Client, chromiumDriver } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'

/** Two tabs that share their storage; `close` closes the first. */
async function withTabs(
  body: (first: Client, second: Client, closeFirst: () => Promise<void>) => Promise<void>,
  elsewhere = false,
): Promise<void> {
  // A host's own page asks its own stores only (CSP); these tests bring links of another host to it.
  const bypassCSP = elsewhere
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  try {
    const context = await browser.newContext({ bypassCSP })
    const pages = [await context.newPage(), await context.newPage()] as const
    const drivers = [chromiumDriver(pages[0]), chromiumDriver(pages[1])] as const
    await body(new Client('Ann', drivers[0]), new Client('Ann', drivers[1]), () => pages[0].close())
    expect([...drivers[0].errors, ...drivers[1].errors]).toEqual([])
  } finally {
    await browser.close()
  }
}

async function linkOf(lab: Lab, folder: string, gone = false): Promise<string> {
  const args = ['--name', folder, '--http', `127.0.0.1:${freePort()}`]
  const { host, ready } = await lab.host(args, lab.path(folder))
  if (gone) await host.stop()
  return String(ready.invite)
}

labTest(
  'joined in the second tab: both show the chat, and the second goes on alone',
  async (lab) => {
    const link = await linkOf(lab, 'host')
    await withTabs(async (first, second, closeFirst) => {
      await first.driver.goto(link.slice(0, link.indexOf('#')))
      await second.join(link)
      await first.waitConnected()
      await second.send('from the second')
      await second.waitMessage('from the second', 'sent')
      await first.waitMessage('from the second', 'sent')
      await first.send('from the first')
      await second.waitMessage('from the first', 'sent')
      await closeFirst()
      await second.send('alone')
      await second.waitMessage('alone', 'sent')
      expect(await second.texts()).toEqual(['from the second', 'from the first', 'alone'])
    })
  },
)

labTest('who leads next shows what the tab before had stored and told nobody', async (lab) => {
  const link = await linkOf(lab, 'host')
  await withTabs(async (first, second, closeFirst) => {
    await first.join(link)
    await second.driver.goto(link.slice(0, link.indexOf('#')))
    await second.waitConnected()
    await first.driver.read(() => {
      const post = BroadcastChannel.prototype.postMessage
      BroadcastChannel.prototype.postMessage = function (message: { type?: string }) {
        if (message.type !== 'state') post.call(this, message)
      }
    }, null)
    await first.send('said in passing')
    await first.waitMessage('said in passing', 'sent')
    expect(await second.texts()).toEqual([])
    await closeFirst()
    await second.waitMessage('said in passing', 'sent')
    await second.send('alone')
    await second.waitMessage('alone', 'sent')
    expect(await second.texts()).toEqual(['said in passing', 'alone'])
  })
})

labTest("another host's link takes over all tabs, and only once Join is pressed", async (lab) => {
  const one = await linkOf(lab, 'one')
  const two = await linkOf(lab, 'two')
  const elsewhere = one.slice(0, one.indexOf('#')) + two.slice(two.indexOf('#'))
  await withTabs(async (first, second) => {
    await first.join(one)
    await first.send('for the first host')
    await first.waitMessage('for the first host', 'sent')
    await second.driver.goto(elsewhere)
    await second.driver.fill('Your name', 'Ann')
    await first.send('still there')
    await first.waitMessage('still there', 'sent')
    await second.driver.press('Join')
    await second.waitConnected()
    await second.send('for the second host')
    await first.waitMessage('for the second host', 'sent')
    expect(await first.texts()).toEqual(['for the second host'])
    expect(await second.texts()).toEqual(['for the second host'])
  }, true)
})

labTest("another host's link that does not work costs nobody the chat they have", async (lab) => {
  const one = await linkOf(lab, 'one')
  const two = await linkOf(lab, 'two', true)
  const elsewhere = one.slice(0, one.indexOf('#')) + two.slice(two.indexOf('#'))
  await withTabs(async (first, second) => {
    await first.join(one)
    await first.send('before')
    await first.waitMessage('before', 'sent')
    await second.driver.goto(elsewhere)
    await second.driver.fill('Your name', 'Ann')
    await second.driver.press('Join')
    expect(await second.alertCode()).toBe('store-unreachable')
    await first.send('after')
    await first.waitMessage('after', 'sent')
    // A reload is no decision: the link is still there, and so is the way back.
    await second.driver.reload()
    await second.driver.press('Back to one')
    await second.waitMessage('after', 'sent')
    await second.driver.reload()
    await second.waitMessage('after', 'sent')
    await second.waitConnected()
  }, true)
})

/** The tab that holds the lease, as it stands in IndexedDB. */
const leader = (client: Client): Promise<string> =>
  client.driver.read(async () => {
    const done = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const db = await done(indexedDB.open('clawchat'))
    const held = await done(db.transaction('lease').objectStore('lease').get('leader'))
    db.close()
    return String(held?.tab)
  }, null)

labTest('a reload goes on as the same tab, without waiting for its own lease', async (lab) => {
  const ann = await lab.chromium('Ann')
  await ann.join(await linkOf(lab, 'host'))
  const before = await leader(ann)
  expect(before).toMatch(/^[0-9a-f]{16}$/)
  await ann.driver.reload()
  await ann.waitConnected()
  expect(await leader(ann)).toBe(before)
})

labTest('a link is shown in the tab that asked for it, and in no other', async (lab) => {
  const link = await linkOf(lab, 'host')
  await withTabs(async (first, second) => {
    await first.join(link)
    await second.driver.goto(link.slice(0, link.indexOf('#')))
    await second.waitConnected()
    const shown = (tab: Client): Promise<string> =>
      tab.driver.read(
        () => document.querySelector<HTMLInputElement>('#new-link')?.value ?? '',
        null,
      )
    for (const [asks, other] of [
      [second, first],
      [first, second],
    ] as const) {
      // What tabs say to each other must have passed when both are seen.
      await other.driver.press('People and devices')
      await asks.driver.press('People and devices')
      await asks.driver.press('Add a device of yours')
      await asks.driver.until(
        () => document.querySelector<HTMLInputElement>('#new-link')?.value.includes('#') === true,
        null,
        20_000,
      )
      // The list that both show has the new link by now, as words.
      await other.driver.until(
        () =>
          document.querySelector('dialog')?.textContent?.includes('link for a device of') === true,
        null,
        20_000,
      )
      expect(await shown(other)).toBe('')
      await asks.driver.press('Close')
      await other.driver.press('Close')
    }
  })
})
