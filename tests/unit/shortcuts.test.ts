// The keys of the page: what each does, where it holds, and that none is one of the browser's or of a screen reader's.
import { describe, expect, test } from 'vitest'
import { type Chord, commandOf, SHORTCUTS } from '../../web/shortcuts.ts'

const NOTHING = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false }
const READING = { mac: false, writing: false, singleKeys: true }
const WRITING = { ...READING, writing: true }

describe('what is pressed', () => {
  test.each([
    ['Ctrl+K', { key: 'k', ctrlKey: true }, WRITING, 'find'],
    ['Ctrl+K with caps lock', { key: 'K', ctrlKey: true }, READING, 'find'],
    ['Command+K on a Mac', { key: 'k', metaKey: true }, { ...WRITING, mac: true }, 'find'],
    [
      'Ctrl+K on a Mac, which deletes to the end of the line',
      { key: 'k', ctrlKey: true },
      { ...WRITING, mac: true },
      null,
    ],
    ['Command+K elsewhere', { key: 'k', metaKey: true }, READING, null],
    [
      'Ctrl+Alt+K, a letter on some keyboards',
      { key: 'k', ctrlKey: true, altKey: true },
      READING,
      null,
    ],
    ['Alt+Up', { key: 'ArrowUp', altKey: true }, WRITING, 'previous-room'],
    ['Alt+Down', { key: 'ArrowDown', altKey: true }, WRITING, 'next-room'],
    ['Up alone, which the composer takes', { key: 'ArrowUp' }, READING, null],
    ['Ctrl+/', { key: '/', ctrlKey: true }, WRITING, 'help'],
    [
      'Ctrl+Shift+7, which is / on a German keyboard',
      { key: '/', ctrlKey: true, shiftKey: true },
      WRITING,
      'help',
    ],
    ['?', { key: '?', shiftKey: true }, READING, 'help'],
    ['? where one writes', { key: '?', shiftKey: true }, WRITING, null],
    ['? switched off', { key: '?', shiftKey: true }, { ...READING, singleKeys: false }, null],
    ['/ alone', { key: '/' }, READING, null],
    ['Enter', { key: 'Enter' }, READING, null],
  ] as const)('%s', (_name, pressed, circumstances, command) => {
    expect(commandOf({ ...NOTHING, ...pressed }, circumstances)).toBe(command)
  })
})

test('with Ctrl or Command no key is one that browsers keep for themselves', () => {
  // New window, tab and private window, closing, quitting, address bar, reload, print, save, find, history, bookmarks, zoom.
  const taken = [...'ntwqlrpsfghjdoue+-0123456789', 'Tab']
  const chords: readonly Chord[] = SHORTCUTS.flatMap(({ chords }) => [...chords])
  expect(chords.length).toBeGreaterThan(8)
  const used = chords.filter(({ modifier }) => modifier === 'main').map(({ key }) => key)
  expect(used.filter((key) => taken.includes(key))).toEqual([])
})

test('no letter alone does anything: screen readers move by letters', () => {
  const chords: readonly Chord[] = SHORTCUTS.flatMap(({ chords }) => [...chords])
  const alone = chords.filter(({ modifier }) => modifier === undefined).map(({ key }) => key)
  expect(alone.filter((key) => /^[\p{L}\p{N}]$/u.test(key))).toEqual([])
})
