// One line icon, drawn here so that nothing is loaded from elsewhere.
import type { ComponentChildren } from 'preact'

export function Icon({ children, label }: { children: ComponentChildren; label?: string }) {
  const named =
    label === undefined
      ? ({ 'aria-hidden': true } as const)
      : ({ role: 'img', 'aria-label': label } as const)
  return (
    <svg
      class="icon-svg"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      {...named}
    >
      {children}
    </svg>
  )
}
