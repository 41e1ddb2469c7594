// A host whose stores are all dead: its record comes as a file, by button, keyboard or drop (SPEC §3.2).
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Client } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'
import type { Host } from './host.ts'

const BUTTON = 'Open address file'

interface There {
  host: Host
  link: string
  file: string
  ann: Client
}

/** Every store is dead for the page from the start; the host writes its record into `file`. */
async function there(lab: Lab, name = 'host'): Promise<There> {
  const file = lab.path(`${name}.bin`)
  // Epochs so long that none ends meanwhile: its port would be one that every record names.
  const epochs = ['--rotate-every', '7d', '--grace', '1s']
  const args = ['--http', `127.0.0.1:${freePort()}`, '--store', `file:${file}`, ...epochs]
  const { host, ready } = await lab.host(args, lab.path(name))
  await host.waitFor('published', (event) => event.store === 'file-1')
  const ann = await lab.chromium('Ann')
  return { host, link: String(ready.invite), file, ann }
}

async function chats(client: Client, text: string): Promise<void> {
  await client.send(text)
  await client.waitMessage(text, 'sent')
}

/** Ann is in, away, and while she is the port moves to one that no record of hers knows. */
async function lost(lab: Lab): Promise<There> {
  const all = await there(lab)
  const { ann, host, link } = all
  await ann.join(link)
  await chats(ann, 'before')
  await ann.driver.goto('about:blank')
  const from = host.events.length
  await host.command('rotate')
  await host.waitFor('published', (event) => event.store === 'file-1', from)
  await host.waitFor('closed', undefined, from)
  await ann.driver.answerRecords('dead')
  await ann.driver.goto(new URL(link).origin)
  return all
}

labTest('a link is joined with nothing but the file, although every store is dead', async (lab) => {
  const { ann, link, file } = await there(lab)
  await ann.driver.answerRecords('dead')
  await ann.driver.goto(link)
  await ann.driver.fill('Your name', 'Ann')
  await ann.driver.press('Join')
  expect(await ann.alertCode()).toBe('store-unreachable')
  await ann.driver.chooseFile(BUTTON, file)
  await ann.waitConnected()
  await chats(ann, 'by hand')
})

labTest('a device that lost its host gets the file dropped, and is back at once', async (lab) => {
  const { ann, file } = await lost(lab)
  expect(await ann.alertCode(90_000)).toBe('no-answer')
  await ann.driver.dropFile(readFileSync(file))
  await ann.waitConnected()
  await chats(ann, 'after')
  expect(await ann.texts()).toEqual(['before', 'after'])
})

labTest('wrong files get one clear error and change nothing', async (lab) => {
  const { ann, file } = await lost(lab)
  const other = await there(lab, 'other')
  expect(await ann.alertCode(90_000)).toBe('no-answer')
  const good = readFileSync(file)
  const short = lab.path('short.bin')
  writeFileSync(short, good.subarray(1))
  await ann.driver.chooseFile(BUTTON, short)
  await ann.waitText('This file is not the address of a host')
  expect(await ann.alertCode()).toBe('record-malformed')
  await ann.driver.dropFile(randomBytes(6144))
  expect(await ann.alertCode()).toBe('record-malformed')
  await ann.driver.dropFile(readFileSync(other.file))
  await ann.waitText('This file is not for this browser')
  expect(
    await ann.driver.read(() => document.querySelectorAll('[role="alert"]').length, null),
  ).toBe(1)
  expect(await ann.texts()).toEqual(['before'])
  // In "Connection details" too, where the alert is out of reach.
  await ann.driver.press('Connection details')
  await ann.driver.chooseFile(BUTTON, file)
  await ann.waitConnected()
  await ann.driver.key('Escape')
  await chats(ann, 'after')
})
