/** Renders a component only when one of its properties is another than before. */

import { Component, type ComponentChild, type FunctionComponent, createElement } from "preact";

/** Whether two objects have the same values under the same names. */
export function same<T extends object>(a: T, b: T): boolean {
  if (a === b) return true;
  const names = Object.keys(a) as (keyof T)[];
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

export function memo<P extends object>(render: (props: P) => ComponentChild, equal: (a: P, b: P) => boolean = same): FunctionComponent<P> {
  const Inner = render as FunctionComponent<P>;
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>) {
      return !equal(next as P, this.props as P);
    }
    override render() {
      return createElement(Inner, this.props as P & preact.Attributes);
    }
  }
  return Memo as unknown as FunctionComponent<P>;
}
