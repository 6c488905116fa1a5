import React from "react";

export interface ButtonProps {
  label: string;
}

export class Store {
  private items: string[] = [];

  save(item: string): void {
    if (item) {
      this.items.push(item);
    }
  }
}

export const handleSubmit = async (
  event: Event,
) => {
  event.preventDefault();
};

export function Button({ label }: ButtonProps) {
  return <button>{label}</button>;
}
