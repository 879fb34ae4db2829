/** The stand-in PhOS tree: the paths, names and traps of the real one, in words of our own (facts: PhOS §1–§3). */

/** Which script of the tree this is; undefined: none of them. */
export function scriptMark(text: string): string | undefined {
  return /^# stand-in: (\w+)$/m.exec(text)?.[1];
}

export const submodules = ["third_party/criu", "third_party/googletest", "remoting/cuda"] as const;

/** Files git has. */
export const trackedFiles: Readonly<Record<string, string>> = {
  "README.md": "# PhOS\n\nA stand-in of the tree, for machines that are simulated.\n",
  ".gitignore": "build_log/\nlib/\nbin/\n",
  "scripts/build_scripts/build.sh": "#!/bin/bash\n# stand-in: build\n",
  "scripts/build_scripts/download_assets.sh": "#!/bin/bash\n# stand-in: assets\nset -e\n",
  "scripts/build_scripts/build_configs.yaml": `# runtime
runtime_target: "cuda"
runtime_target_version: "11.3"
runtime_enable_print_error: 1
runtime_enable_print_warn: 1
runtime_enable_print_log: 1
runtime_enable_print_debug: 0
runtime_enable_print_with_color: 1
runtime_default_daemon_log_path: "/var/log/phos/daemon"
runtime_default_client_log_path: "/var/log/phos/client"
# evaluation
eval_ckpt_opt_level: 2
eval_ckpt_enable_increamental: 1
eval_ckpt_enable_pipeline: 0
eval_ckpt_default_interval_ms: 2000
`,
  "third_party/libclang-static-build.tar.gz": "version https://git-lfs.github.com/spec/v1\n",
  "examples/resnet/train.py": `import os
pid = os.getpid()
print(f"process id: {pid}")
n_epochs = 1
print_statistics_per_iter = False

def run_train():
    nb_iteration = 0
    for i, (data, target) in tqdm(enumerate(train_loader), total=len(train_loader)):
        if i == 32:
            phos.predump(pid, mode='cow')
        nb_iteration += 1
        if print_statistics_per_iter:
            print(f"itetration {nb_iteration} duration: {duration} ms")
        if nb_iteration == 64:
            print(f"reach {nb_iteration}, break")
            break

run_train()
`,
  "examples/diffusion/train.py": "import os\n# sample: diffusion\n",
  "examples/llama2-13b-chat-hf/inference.py": "import os\n# sample: llama2-13b-chat-hf\n",
  "examples/ppo/main.py": "import os\n# sample: ppo\n",
};

/** Files of a submodule, once it is there. */
export function submoduleFiles(path: string): Readonly<Record<string, string>> {
  return { [`${path}/CMakeLists.txt`]: `# ${path}\n` };
}

/** Commits of the submodules. */
export function submoduleCommit(path: string): string {
  return Buffer.from(path).toString("hex").padEnd(40, "0").slice(0, 40);
}

/** The simulated remote: branches and tags. */
export const refs: Readonly<Record<string, string>> = {
  "refs/heads/main": "0a4f6d5b1c2e3f405162738495a6b7c8d9e0f1a2",
  "refs/heads/minor-add-build-image": "77c0ffee1c2e3f405162738495a6b7c8d9e0f1a2",
  "refs/tags/v0.1": "5eed5eed1c2e3f405162738495a6b7c8d9e0f1a2",
};
