// A message's text as it is shown: its marks as elements, never HTML, and nothing loaded from anywhere (SPEC §7).
import { highlight } from '../highlight.ts'
import { type Block, type Inline, type Named, parseMarkdown } from '../markdown.ts'
import { isEmojiOnly, laidBare } from '../plaintext.ts'

interface MarkdownProps {
  readonly text: string
  readonly members: readonly Named[]
  /** own member id */
  readonly me: string | null
}

export function Markdown({ text, members, me }: MarkdownProps) {
  const blocks = parseMarkdown(laidBare(text), members)
  const [first] = blocks
  if (blocks.length === 1 && first?.type === 'text')
    return (
      <span dir="auto" data-part="text" class={isEmojiOnly(text) ? 'emoji-only' : undefined}>
        <Inlines of={first.children} me={me} />
      </span>
    )
  return (
    <div dir="auto" data-part="text" class="blocks">
      <Blocks of={blocks} me={me} />
    </div>
  )
}

function Blocks({ of, me }: { of: readonly Block[]; me: string | null }) {
  return (
    <>
      {of.map((block, i) => (
        <BlockView key={i} block={block} me={me} />
      ))}
    </>
  )
}

function BlockView({ block, me }: { block: Block; me: string | null }) {
  switch (block.type) {
    case 'text':
      return (
        <p>
          <Inlines of={block.children} me={me} />
        </p>
      )
    case 'heading':
      // Modest, and no heading of the page: whoever goes from heading to heading must not land in what others wrote.
      return (
        <p class={`heading level-${block.level}`}>
          <Inlines of={block.children} me={me} />
        </p>
      )
    case 'code':
      return <Code {...block} />
    case 'quote':
      return (
        <blockquote>
          <Blocks of={block.children} me={me} />
        </blockquote>
      )
    case 'list':
      return <List {...block} me={me} />
  }
}

function List({ start, items, me }: Extract<Block, { type: 'list' }> & { me: string | null }) {
  const rows = items.map((item, i) => (
    <li key={i}>
      <Blocks of={item} me={me} />
    </li>
  ))
  return start === null ? <ul>{rows}</ul> : <ol start={start}>{rows}</ol>
}

function Code({ language, text }: { language: string; text: string }) {
  return (
    <pre dir="ltr">
      <code>
        {highlight(text, language).map(({ kind, text }, i) =>
          kind === 'plain' ? (
            text
          ) : (
            <span key={i} class={`code-${kind}`}>
              {text}
            </span>
          ),
        )}
      </code>
    </pre>
  )
}

function Inlines({ of, me }: { of: readonly Inline[]; me: string | null }) {
  return (
    <>
      {of.map((inline, i) => (
        <InlineView key={i} inline={inline} me={me} />
      ))}
    </>
  )
}

function InlineView({ inline, me }: { inline: Inline; me: string | null }) {
  switch (inline.type) {
    case 'text':
      return <>{inline.text}</>
    case 'code':
      return <code dir="ltr">{inline.text}</code>
    case 'strong':
      return (
        <strong>
          <Inlines of={inline.children} me={me} />
        </strong>
      )
    case 'emphasis':
      return (
        <em>
          <Inlines of={inline.children} me={me} />
        </em>
      )
    case 'strike':
      return (
        <s>
          <Inlines of={inline.children} me={me} />
        </s>
      )
    case 'mention':
      return <bdi class={inline.id === me ? 'mention of-me' : 'mention'}>{inline.text}</bdi>
    case 'link':
      return (
        <a href={inline.href} target="_blank" rel="noopener noreferrer nofollow">
          <bdi>
            <Inlines of={inline.children} me={me} />
          </bdi>
          {inline.host !== null && <bdi class="host"> ({inline.host})</bdi>}
        </a>
      )
  }
}
