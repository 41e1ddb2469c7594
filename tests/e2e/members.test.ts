// People and devices from the page (SPEC §7.3): the owner invites, a member adds a device, names change, devices go.
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect } from 'vitest'
import { violationsOf } from './axe.ts'
import type { Client } from './client.ts'
import { freePort, labTest } from './harness.ts'

const httpArgs = () => ['--http', `127.0.0.1:${freePort()}`]

async function people(client: Client): Promise<void> {
  await client.driver.press('People and devices')
}

/** The link that the page shows, once it is there; the dialog is closed behind it. */
async function newLink(client: Client): Promise<string> {
  await client.driver.until(
    () => (document.querySelector<HTMLInputElement>('#new-link')?.value ?? '') !== '',
    null,
    20_000,
  )
  const link = await client.driver.read(
    () => document.querySelector<HTMLInputElement>('#new-link')?.value ?? '',
    null,
  )
  await client.driver.press('Close')
  return link
}

const open = (client: Client, summary: string): Promise<void> =>
  client.driver.read((words) => {
    for (const element of document.querySelectorAll('summary'))
      if (element.textContent?.includes(words)) element.click()
  }, summary)

labTest(
  'invited from the page, a second device with the whole history, new names, and a lost device removed',
  async (lab) => {
    const { host, ready } = await lab.host(httpArgs())
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await ann.send('first words')

    await people(ann)
    await open(ann, 'Invite somebody')
    await ann.driver.press('Make the link')
    const ben = await lab.chromium('Ben')
    await ben.join(await newLink(ann))
    await ben.waitMessage('first words')
    await ben.send('from Ben')
    await ann.waitMessage('from Ben')

    // Ben adds a device of his own, without the owner.
    await people(ben)
    await ben.driver.press('Add a device of yours')
    const phone = await lab.chromium('Phone')
    await phone.join(await newLink(ben))
    await phone.waitMessage('from Ben')
    expect(await phone.texts()).toEqual(['first words', 'from Ben'])
    await phone.send('from the phone')
    await ben.waitMessage('from the phone')
    const list = (await host.command('members')).lines as {
      name: string
      devices: { name: string; device: string; safetyCode: string[] }[]
    }[]
    expect(list.map(({ name, devices }) => [name, devices.map((each) => each.name)])).toEqual([
      ['Ann', ['Ann']],
      ['Ben', ['Ben', 'Phone']],
    ])

    // The same code on the phone itself, in the owner's list, and at the host.
    const code = list[1]?.devices[1]?.safetyCode.join(' ') ?? 'none'
    const shown = (client: Client): Promise<string> =>
      client.driver.read(
        () =>
          [...document.querySelectorAll('dialog .code')]
            .map((each) => (each.textContent ?? '').trim().split(/\s+/).join(' '))
            .join('|'),
        null,
      )
    await phone.driver.press('Security')
    expect(await shown(phone)).toBe(code)
    await phone.driver.press('Close')
    await people(ann)
    expect((await shown(ann)).split('|')).toContain(code)
    await ann.driver.press('Close')

    await people(ben)
    await ben.driver.press('Rename: Your name')
    await ben.driver.fill('Your name', 'Benjamin')
    await ben.driver.press('Save')
    await ben.driver.press('Close')
    await ann.driver.until(
      () => document.querySelector('.members')?.textContent?.includes('Benjamin') === true,
      null,
      20_000,
    )

    // The phone is lost: Ben removes it, and it is out at once.
    await people(ben)
    await open(ben, 'Phone')
    await ben.driver.press('Remove Phone')
    await ben.driver.press('Yes, remove')
    expect(await phone.alertCode()).toBe('removed')
    await ben.driver.until(
      () => document.querySelector('dialog')?.textContent?.includes('Removed.') === true,
      null,
      20_000,
    )
    await ben.driver.press('Close')
    await ben.send('still here')
    await ann.waitMessage('still here')

    // And the owner lets Ben go.
    await people(ann)
    await ann.driver.press('Remove Benjamin')
    await ann.driver.press('Yes, remove')
    expect(await ben.alertCode()).toBe('removed')
    await ann.driver.press('Close')
    await ann.send('alone again')
    await ann.waitMessage('alone again', 'sent')
  },
  240_000,
)

labTest(
  'a link from the page, with its note in the list, is withdrawn there and works no more',
  async (lab) => {
    const { host, ready } = await lab.host(httpArgs())
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await people(ann)
    await open(ann, 'Invite somebody')
    await ann.driver.fill('Note, for your list only', 'for the club')
    await ann.driver.press('Make the link')
    const link = await newLink(ann)
    const listed = async () =>
      (await host.command('invite', '--list')).lines.find(({ note }) => note === 'for the club')
    expect(await listed()).toMatchObject({ role: 'member', uses: 1, used: 0, state: 'open' })
    await people(ann)
    await ann.driver.press('Withdraw the link for a new member: for the club')
    await ann.driver.until(
      () => document.querySelector('dialog')?.textContent?.includes('for the club') === false,
      null,
      20_000,
    )
    expect(await listed()).toMatchObject({ state: 'withdrawn' })
    const eve = await lab.chromium('Eve')
    await eve.driver.goto(link)
    await eve.driver.fill('Your name', 'Eve')
    await eve.driver.press('Join')
    expect(await eve.alertCode()).toBe('record-no-slot')
  },
)

labTest('a guest sees nothing to invite or remove but the own device', async (lab) => {
  const { host, ready } = await lab.host(httpArgs())
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  const made = await host.command('invite', '--role', 'guest')
  const guy = await lab.chromium('Guy')
  await guy.join(String((made.lines[0] as { invite: string }).invite))
  await people(guy)
  // The members come with the host's answer, all at once.
  await guy.driver.until(
    () => document.querySelector('dialog')?.textContent?.includes('this browser') === true,
    null,
    20_000,
  )
  const buttons = await guy.driver.read(
    () =>
      [...document.querySelectorAll('dialog :is(button, summary)')].map(
        (each) => each.getAttribute('aria-label') ?? each.textContent?.trim() ?? '',
      ),
    null,
  )
  expect(buttons.toSorted()).toEqual(
    [
      'Choose a picture',
      'Close',
      'Compare by camera',
      'Guy this browser',
      'Remove this browser',
      'Rename: Name of the device Guy',
      'Rename: Your name',
      'Show it as a QR code',
    ].toSorted(),
  )

  // Who leaves gets no answer: the dialog closes, and the page says where it stands.
  await open(guy, 'this browser')
  await guy.driver.press('Remove this browser')
  await guy.driver.press('Yes, remove')
  await guy.driver.until(() => document.querySelector('dialog') === null, null, 20_000)
  expect(await guy.alertCode()).toBe('removed')
})

/** Of what lies in this browser of pictures, which of it begins like one. */
const rawPictures = (): Promise<boolean[]> =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open('clawchat-pictures')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const asked = opening.result.transaction('pictures').objectStore('pictures').getAll()
      asked.onsuccess = () => {
        opening.result.close()
        const words = new TextDecoder('latin1')
        resolve(asked.result.map((bytes) => /WEBP|JFIF/.test(words.decode(bytes))))
      }
    }
  })
/** How many pictures there are in the place of letters, once all of them are drawn. */
const untilFaces = (client: Client, where: string, count: number): Promise<void> =>
  client.driver.until(
    ({ where, count }) => {
      const images = [...document.querySelectorAll<HTMLImageElement>(where)]
      return images.length === count && images.every((image) => image.naturalWidth === 128)
    },
    { where, count },
    20_000,
  )

labTest(
  'a picture of oneself: small wherever it came from, seen by others, without the host too, and taken away',
  async (lab) => {
    const args = httpArgs()
    const { host, ready } = await lab.host(args)
    const ann = await lab.chromium('Annegret')
    const { client: ben, page } = await lab.profile('Bertrand', lab.path('profile'))
    await ann.join(String(ready.invite))
    await ben.join(await host.invite())
    await people(ben)
    const text = lab.path('notes.png')
    writeFileSync(text, 'no picture, whatever it is called')
    await ben.driver.chooseFile('Choose a picture', text)
    await page.getByText('This browser cannot read that as a picture.').waitFor()
    await ben.driver.chooseFile('Choose a picture', resolve('docs/screens/full.png'))
    await page.getByRole('button', { name: 'Change the picture' }).waitFor()
    await untilFaces(ben, 'dialog .person .avatar img', 1)
    expect(await violationsOf(page)).toEqual([])
    await ben.driver.press('Close')
    await untilFaces(ann, '.members .avatar img', 1)
    await ben.send('with a picture beside it')
    await ann.waitMessage('with a picture beside it')
    await untilFaces(ann, '[role="log"] .who img', 1)
    await ann.driver.press('Write to Bertrand alone')
    await untilFaces(ann, '.top > .avatar img', 1)
    // Neither there nor here in the clear.
    expect(readFileSync(join(host.dir, 'clawchat.db')).includes('WEBPVP8')).toBe(false)
    expect(await ann.driver.read(rawPictures, null)).toEqual([false])

    await host.stop()
    await ann.driver.reload()
    await ann.waitMessage('with a picture beside it')
    await untilFaces(ann, '[role="log"] .who img', 1)
    await untilFaces(ann, '.members .avatar img', 1)
    expect(await ann.driver.read(() => document.querySelector('.who')?.textContent, null)).toBe(
      'Bertrand',
    )
    await lab.host(args)
    await ann.waitConnected()
    await ben.waitConnected()
    await people(ben)
    await ben.driver.press('Remove the picture')
    await untilFaces(ann, '.members .avatar img', 0)
  },
)
