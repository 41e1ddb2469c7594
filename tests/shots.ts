// `npm run shots`: pictures of the page for README and review, of a real host and real browsers, into docs/screens/.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { buildPage } from '../web/build.ts'
import { Client, chromiumDriver } from './e2e/client.ts'
import { startHost } from './e2e/host.ts'

const out = resolve(import.meta.dirname, '../docs/screens')
const DESKTOP = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 844 }

async function shoot(): Promise<void> {
  mkdirSync(out, { recursive: true })
  await buildPage()
  const dir = mkdtempSync(resolve(tmpdir(), 'clawchat-shots-'))
  const { host, ready } = await startHost(dir, ['--http', '127.0.0.1:0', '--name', 'Family'])
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
  ]
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args })
  const person = async (name: string, viewport: typeof DESKTOP, colorScheme: 'light' | 'dark') => {
    const page = await (
      await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' })
    ).newPage()
    return { page, client: new Client(name, chromiumDriver(page)) }
  }
  try {
    const ada = await person('Ada', DESKTOP, 'light')
    await ada.client.join(String(ready.invite))
    const cleo = await person('Cleo', PHONE, 'dark')
    const link = await host.invite()
    const phone = await person('Cleo', PHONE, 'light')
    await phone.page.goto(link)
    await phone.page.getByRole('textbox', { name: 'Your name' }).fill('Cleo')
    await phone.page.screenshot({ path: `${out}/join-phone.png` })
    await cleo.client.join(link)
    const talk = [
      [cleo, 'Did the backup finish? I need the March scans before lunch.'],
      [ada, 'It finished at 03:12. Nothing was skipped.'],
      [ada, 'checked   48 211 files\nchanged      137 files   1.9 GB'],
      [cleo, 'Perfect, thank you. No hurry with the rest.'],
      [ada, 'See you at the station.'],
    ] as const
    for (const [who, text] of talk) {
      await who.client.send(text)
      await ada.client.waitMessage(text)
      await cleo.client.waitMessage(text)
    }
    await ada.client.waitMessage('See you at the station.', 'delivered')
    await ada.page.screenshot({ path: `${out}/desktop-light.png` })
    await cleo.page.screenshot({ path: `${out}/phone-dark.png` })
    await ada.page.emulateMedia({ colorScheme: 'dark' })
    await ada.page.getByRole('button', { name: 'Security' }).click()
    await ada.page.screenshot({ path: `${out}/security-dark.png` })
    await host.kill()
    await cleo.client.waitDisconnected()
    await cleo.client.send('Are you there yet?')
    await cleo.page.getByRole('alert').waitFor()
    await cleo.page.emulateMedia({ colorScheme: 'light' })
    await cleo.page.getByRole('button', { name: 'Connection details' }).click()
    await cleo.page.screenshot({ path: `${out}/details-phone.png` })
  } finally {
    await browser.close()
    await host.kill()
    rmSync(dir, { recursive: true, force: true })
  }
}

if (process.env.CLAWCHAT_TEST_NAMESPACE === '1') await shoot()
else {
  const script = [resolve(import.meta.dirname, 'namespace.ts'), import.meta.filename]
  process.exitCode = spawnSync(process.execPath, script, { stdio: 'inherit' }).status ?? 1
}
