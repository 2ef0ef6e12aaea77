/** Renders a component only when one of its properties is another than before. */

import { Component, type ComponentChild, type FunctionComponent, createElement } from "preact";

export function memo<P extends object>(render: (props: P) => ComponentChild): FunctionComponent<P> {
  const Inner = render as FunctionComponent<P>;
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>) {
      const names = new Set([...Object.keys(next), ...Object.keys(this.props)]) as Set<keyof P>;
      for (const name of names) if (next[name] !== this.props[name]) return true;
      return false;
    }
    override render() {
      return createElement(Inner, this.props as P & preact.Attributes);
    }
  }
  return Memo as unknown as FunctionComponent<P>;
}
