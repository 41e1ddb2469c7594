// The dialog "People and devices" in states that take a while to get into: words, place, keyboard, phone and desktop.
import { expect, test } from 'vitest'
import type { AppState, DeviceInfo } from '../../web/model.ts'
import { onStage } from './stage.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
const code = (n: number): string[] =>
  Array.from({ length: 12 }, (_, i) => String((n * 7919 + i * 104_729) % 100_000).padStart(5, '0'))
const device = (id: string, member: string, rest: Partial<DeviceInfo>): DeviceInfo => ({
  ...{ id, member, name: id, createdMs: NOW, lastSeenMs: NOW, route: null, here: false },
  ...{ safetyCode: code(id.length), ...rest },
})
const PEOPLE: Partial<AppState> = {
  members: [
    {
      id: 'a1',
      name: 'Ann',
      role: 'owner',
      online: true,
      gone: false,
      hidden: false,
      tone: 0,
      picture: '',
      lastSeenMs: 0,
    },
    {
      id: 'b2',
      name: 'Bartholomew Featherstonehaugh-Cholmondeley',
      role: 'member',
      online: true,
      gone: false,
      hidden: false,
      tone: 0,
      picture: '',
      lastSeenMs: 0,
    },
    {
      id: 'c3',
      name: 'Door bell',
      role: 'bot',
      online: false,
      gone: false,
      hidden: false,
      tone: 0,
      picture: '',
      lastSeenMs: 0,
    },
    {
      id: 'd4',
      name: 'Gone',
      role: 'guest',
      online: false,
      gone: true,
      hidden: false,
      tone: 0,
      picture: '',
      lastSeenMs: 0,
    },
  ],
  devices: [
    device('Laptop', 'a1', { here: true, route: 'direct' }),
    device('Phone', 'a1', {}),
    device('Tablet', 'b2', { route: 'relay' }),
    device('Bell', 'c3', {}),
  ],
  invites: [
    {
      ...{ id: 'i1', role: 'guest', member: null, uses: 5, used: 2 },
      expiresAtMs: NOW,
      note: 'for the club',
      rooms: [],
    },
    {
      ...{ id: 'i2', role: 'member', member: 'b2', uses: 1, used: 0 },
      ...{ expiresAtMs: NOW, note: '', rooms: [] },
    },
  ],
}
const LINK: AppState['asked'] = {
  ...{ kind: 'invite', id: null, status: 'done', code: null },
  removal: null,
  overview: null,
  link: {
    url: `https://claw.example/#${'AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh'.repeat(5)}`,
    ...{ invite: 'i1', reach: 'anywhere', expiresAtMs: NOW },
  },
}

for (const [form, viewport] of [
  ['phone', { width: 390, height: 844 }],
  ['desktop', { width: 1280, height: 800 }],
  ['narrow', { width: 360, height: 640 }],
] as const) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`people, a new link and a question: ${form}, ${colorScheme}`, async () => {
      await onStage({ viewport, colorScheme, reducedMotion: 'reduce' }, async ({ page, show }) => {
        const shot = (name: string) =>
          page.screenshot({ path: `tests/out/people-${name}-${form}-${colorScheme}.png` })
        await show(PEOPLE)
        if (viewport.width < 720)
          await page.getByRole('button', { name: 'Rooms and members' }).click()
        await page.getByRole('button', { name: 'People and devices' }).click()
        const dialog = page.getByRole('dialog', { name: 'People and devices' })
        await dialog.waitFor()
        const fits = () =>
          dialog.evaluate((element) => {
            const body = element.querySelector('.body') as HTMLElement
            return body.scrollWidth <= body.clientWidth && element.clientWidth <= innerWidth
          })
        await shot('list')
        expect(await fits()).toBe(true)
        expect(await dialog.textContent()).not.toContain('Gone')
        await dialog.getByText('Tablet', { exact: true }).click()
        await dialog.getByRole('button', { name: 'Remove Tablet' }).click()
        // What cannot be taken back is asked, and "No" has the focus.
        expect(
          await dialog
            .getByRole('button', { name: 'No' })
            .evaluate((e) => e === document.activeElement),
        ).toBe(true)
        // News from the host does not take the focus away from where the person is.
        await page.keyboard.press('Shift+Tab')
        const focused = () => page.evaluate(() => document.activeElement?.textContent)
        expect(await focused()).toBe('Yes, remove')
        await show({ ...PEOPLE, clock: null })
        expect(await focused()).toBe('Yes, remove')
        // Escape leaves the question, and only that; the focus is back where it was.
        await page.keyboard.press('Escape')
        expect(await focused()).toBe('Remove Tablet')
        await page.keyboard.press('Enter')
        await dialog.getByRole('button', { name: 'Rename: Your name' }).click()
        const name = dialog.getByRole('textbox', { name: 'Your name' })
        await name.fill('é'.repeat(25))
        await page.keyboard.press('Enter')
        expect(await dialog.textContent()).toContain('Too long by 2 bytes.')
        expect(await fits()).toBe(true)
        await shot('rename')
        await page.keyboard.press('Escape')
        expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
          'Rename: Your name',
        )
        await dialog.getByText('Invite somebody').click()
        expect(await fits()).toBe(true)
        await shot('open')
        await show({ ...PEOPLE, asked: LINK })
        // The form stands below: the link comes into view by itself, and has the focus.
        const card = dialog.getByRole('region', { name: 'New link' })
        expect(await card.evaluate((e) => e === document.activeElement)).toBe(true)
        const seen = () =>
          dialog.evaluate((element) => {
            const [body, card] = ['.body', '.link-card, .missing'].map((css) =>
              (element.querySelector(css) as HTMLElement).getBoundingClientRect(),
            )
            // Nothing but the body may have moved: the title stays.
            if (element.scrollTop !== 0) return -element.scrollTop
            return Math.round((card?.top ?? 0) - (body?.top ?? 0))
          })
        expect(await seen()).toBeGreaterThanOrEqual(0)
        expect(await card.textContent()).toContain('The first 5 who join by this link are in.')
        await dialog.getByRole('img', { name: 'The link as a QR code' }).waitFor()
        expect(await fits()).toBe(true)
        await shot('link')
        await show({
          ...PEOPLE,
          asked: {
            ...LINK,
            link: null,
            status: 'failed',
            code: 'not-allowed',
          } as AppState['asked'],
        })
        expect(await dialog.getByRole('alert').getAttribute('data-code')).toBe('not-allowed')
        const full = { ...LINK, link: null, status: 'failed', code: 'credentials-full' } as const
        await show({ ...PEOPLE, asked: full })
        const alert = dialog.getByRole('alert')
        expect(await alert.textContent()).toContain('“link for a new guest: for the club”')
        expect(await alert.textContent()).toContain('“Bell of Door bell, away for')
        expect(await fits()).toBe(true)
        expect(await seen()).toBeGreaterThanOrEqual(0)
        await shot('full')
        await page.keyboard.press('Escape')
        await dialog.waitFor({ state: 'detached' })
      })
    })
  }
}
