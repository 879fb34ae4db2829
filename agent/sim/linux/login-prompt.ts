/** A login prompt on the serial console: echoes what is typed and lets nobody in. Its banner is what says that Linux is up. */

export interface LoginPrompt {
  type(data: Uint8Array): void;
}

export function loginPrompt(
  machine: { node: string; arch: string; release: string; system: string },
  print: (text: string) => void,
): LoginPrompt {
  let user = "";
  let asked: "user" | "password" = "user";
  const greet = () => print(`\n${machine.system}\nKernel ${machine.release} on an ${machine.arch}\n\n${machine.node} login: `);
  greet();
  const enter = () => {
    if (asked === "user" && user !== "") {
      asked = "password";
      return print("\nPassword: ");
    }
    if (asked === "password") print("\nLogin incorrect\n");
    asked = "user";
    user = "";
    greet();
  };
  return {
    type(data) {
      for (const character of Buffer.from(data).toString("latin1")) {
        if (character === "\r") enter();
        else if (asked === "user" && character >= " ") {
          user += character;
          print(character);
        }
      }
    },
  };
}
