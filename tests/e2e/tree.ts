// What a screen reader is given: the browser's own accessibility tree as text, a line for each thing that is told, deeper
// ones further in. `role "name" state…`, a text by itself in quotes.
import type { Page } from 'playwright-core'

interface Node {
  readonly nodeId: string
  readonly ignored: boolean
  readonly role?: { readonly value?: unknown }
  readonly name?: { readonly value?: unknown }
  readonly description?: { readonly value?: unknown }
  readonly value?: { readonly value?: unknown }
  readonly properties?: readonly {
    readonly name: string
    readonly value: { readonly value?: unknown }
  }[]
  readonly childIds?: readonly string[]
}

/** Of these, what is not as usual is told. */
const TOLD: Readonly<Record<string, readonly unknown[]>> = {
  level: [],
  expanded: [],
  pressed: [],
  checked: [],
  selected: [],
  disabled: [false],
  invalid: ['false'],
  required: [false],
  modal: [false],
  live: ['off'],
  busy: [false],
  focused: [false],
  readonly: [false],
}
/** Say nothing by themselves. */
const SILENT = ['generic', 'none', 'InlineTextBox', 'LineBreak']

export async function treeOf(page: Page): Promise<string> {
  const devtools = await page.context().newCDPSession(page)
  const { nodes } = (await devtools.send('Accessibility.getFullAXTree')) as { nodes: Node[] }
  await devtools.detach()
  const byId = new Map(nodes.map((node) => [node.nodeId, node]))
  const [root] = nodes
  return root === undefined ? '' : `${linesOf(root, byId).join('\n')}\n`
}

function linesOf(node: Node, byId: ReadonlyMap<string, Node>): string[] {
  const role = String(node.role?.value ?? 'none')
  const name = String(node.name?.value ?? '').trim()
  if (role === 'StaticText') return name === '' ? [] : [JSON.stringify(name)]
  const children = (node.childIds ?? []).flatMap((id) => byId.get(id) ?? [])
  const inner = children.flatMap((child) => linesOf(child, byId))
  if (node.ignored || SILENT.includes(role)) return inner
  // What stands in a button is its name already.
  const isName = inner.every((line) => line.startsWith('"')) && wordsOf(inner) === name
  const line = [role, ...(name === '' ? [] : [JSON.stringify(name)]), ...statesOf(node)].join(' ')
  return [line, ...(isName ? [] : inner.map((each) => `  ${each}`))]
}

const wordsOf = (lines: readonly string[]): string =>
  lines.map((line) => JSON.parse(line) as string).join(' ')

function statesOf({ properties = [], value, description }: Node): string[] {
  const states = properties.flatMap(({ name, value }) => {
    const usual = TOLD[name]
    if (usual === undefined || usual.includes(value.value)) return []
    return value.value === true ? [name] : [`${name}=${value.value}`]
  })
  const texts = [
    ['value', value?.value],
    ['description', description?.value],
  ] as const
  const told = texts.filter(([, text]) => text !== undefined && text !== '')
  return [...states, ...told.map(([name, text]) => `${name}=${JSON.stringify(text)}`)]
}
