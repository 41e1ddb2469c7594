// Real Chromium against a real host: page opened → connected with its first message on screen, and typed → shown elsewhere.
import type { Client } from '../e2e/client.ts'
import { Lab } from '../e2e/harness.ts'
import { printRow } from './stats.ts'

const JOINS = 7
const MESSAGES = 60

/** Milliseconds from navigation until `run` is done, by the parent's clock. */
async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

/** The page's own record of its steps ("Connection details"), in milliseconds. */
const steps = (client: Client): Promise<[string, number][]> =>
  client.driver.read(
    () =>
      [...document.querySelectorAll<HTMLElement>('[data-step]')].map((row): [string, number] => [
        row.dataset.step ?? '',
        Number(row.dataset.ms ?? Number.NaN),
      ]),
    null,
  )

export async function benchPage(): Promise<void> {
  const lab = new Lab('bench')
  try {
    const { host, ready } = await lab.host(['--http', '127.0.0.1:0', '--name', 'Bench'])
    const ada = await lab.chromium('Ada')
    await ada.join(String(ready.invite))
    await ada.send('first')
    const linked: number[] = []
    for (let i = 0; i <= JOINS; i++) {
      const guest = await lab.chromium(`Guest ${i}`)
      const link = await host.invite()
      const ms = await timed(async () => {
        await guest.join(link)
        await guest.waitMessage('first')
      })
      if (i > 0) linked.push(ms)
      await guest.driver.goto('about:blank')
    }
    printRow({
      cell: 'page',
      what: 'link opened, name typed, joined → message shown',
      unit: 'ms',
      values: linked,
    })
    const opened: number[] = []
    const parts = new Map<string, number[]>()
    const bob = await lab.chromium('Bob')
    await bob.join(await host.invite())
    for (let i = 0; i <= JOINS; i++) {
      const ms = await timed(async () => {
        await bob.driver.reload()
        await bob.waitConnected()
        await bob.waitMessage('first')
      })
      if (i === 0) continue
      opened.push(ms)
      await bob.driver.press('Connection details')
      for (const [name, value] of await steps(bob)) {
        parts.set(name, [...(parts.get(name) ?? []), value])
      }
      await bob.driver.press('Close')
    }
    printRow({
      cell: 'page',
      what: 'page opened → connected, message on screen',
      unit: 'ms',
      values: opened,
    })
    for (const [name, values] of parts) {
      printRow({ cell: 'page', what: `  of that, step "${name}"`, unit: 'ms', values })
    }
    const shown: number[] = []
    for (let i = 0; i < MESSAGES; i++) {
      const text = `message ${i}`
      shown.push(
        await timed(async () => {
          await ada.send(text)
          await bob.waitMessage(text)
        }),
      )
    }
    printRow({
      cell: 'page',
      what: 'typed → shown on another device',
      unit: 'ms',
      values: shown.slice(10),
    })
  } finally {
    await lab.close()
  }
}

if (import.meta.main) await benchPage()
