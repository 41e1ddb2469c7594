// What a file of JSX says to a person by itself: text between tags, attributes that are shown or read out, sentences.
import { parseSync } from 'vite'

type Node = { readonly type?: string } & Readonly<Record<string, unknown>>

/** Attributes that are shown or read out; the last of them are our own components'. */
const READ =
  /^(aria-(label|description|roledescription|valuetext)|title|placeholder|alt|label|name|words|question)$/
/** Of what stands nowhere near a tag: it begins like a sentence and has more than one word. */
const SENTENCE = /^\p{Lu}[\p{L}’]*\s.*\p{Ll}/u

/** `said`: what stands here is shown or read out. */
function* texts(node: unknown, said: boolean): Generator<string> {
  if (Array.isArray(node)) for (const one of node) yield* texts(one, said)
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return
  const { type, value, ...rest } = node as Node
  switch (type) {
    case 'JSXText':
      yield String(value)
      return
    case 'Literal':
      if (typeof value === 'string' && (said || SENTENCE.test(value))) yield value
      return
    case 'TemplateElement': {
      const { cooked } = value as { cooked: string }
      if (said || SENTENCE.test(cooked)) yield cooked
      return
    }
    case 'JSXAttribute': {
      const { name } = rest.name as { name: string }
      // The name of a field, and not that of a dialog.
      const isField = name === 'name' && /^[a-z-]+$/.test(String((value as Node | null)?.value))
      yield* texts(value, READ.test(name) && !isField)
      return
    }
    case 'JSXElement':
    case 'JSXFragment':
      yield* texts(rest.openingElement, false)
      yield* texts(rest.children, true)
      return
    case 'ConditionalExpression':
      yield* texts(rest.test, false)
      yield* texts([rest.consequent, rest.alternate], said)
      return
    case 'LogicalExpression':
      yield* texts(rest.left, said && rest.operator !== '&&')
      yield* texts(rest.right, said)
      return
    case 'JSXExpressionContainer':
      yield* texts(rest.expression, said)
      return
    case 'TemplateLiteral':
      yield* texts(rest.quasis, said)
      yield* texts(rest.expressions, false)
      return
    default:
      for (const child of [value, ...Object.values(rest)]) yield* texts(child, false)
  }
}

/** Without what holds no letter. */
export function spoken(file: string, source: string): string[] {
  const { program, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  return [...texts(program, false)]
    .filter((text) => /\p{L}/u.test(text))
    .map((text) => text.replace(/\s+/g, ' ').trim())
}
