// Prints what teaches a shell to complete fuseboxctl's command lines.
#include <string>

#include "client/cli/flags.h"
#include "client/cli/verbs/verbs.h"

namespace fusebox::cli {
namespace {

constexpr char kBash[] = R"sh(# fuseboxctl in bash: source <(fuseboxctl completion bash)
_fuseboxctl() {
  local rest=${COMP_LINE:0:COMP_POINT} words=() out choice breaks begin= i
  # bash takes host:port and --flag=value apart; what no space stands between is one word.
  for ((i = 0; i <= COMP_CWORD; ++i)); do
    if ((i == 0)) || [[ $rest == [[:space:]]* ]]; then
      rest=${rest#"${rest%%[![:space:]]*}"}
      words+=("")
    fi
    if ((i == COMP_CWORD)); then
      words[-1]+=$rest
    else
      words[-1]+=${COMP_WORDS[i]}
      rest=${rest#"${COMP_WORDS[i]}"}
    fi
  done
  COMPREPLY=()
  out=$("${COMP_WORDS[0]}" __complete "${words[@]:1}" 2>/dev/null) || return 0
  compopt +o default 2>/dev/null
  # What it replaces begins behind the last place where it takes a word apart.
  breaks=${COMP_WORDBREAKS//[!:=]/}
  [[ -n $breaks && ${words[-1]} == *["$breaks"]* ]] && begin=${words[-1]%"${words[-1]##*["$breaks"]}"}
  while IFS= read -r choice; do
    [[ -n $choice ]] && COMPREPLY+=("$(printf %q "${choice#"$begin"}")")
  done <<<"$out"
}
complete -o default -F _fuseboxctl fuseboxctl
)sh";

constexpr char kZsh[] = R"(#compdef fuseboxctl
# fuseboxctl in zsh: source <(fuseboxctl completion zsh), after compinit
_fuseboxctl() {
  local out
  if out=$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null); then
    [[ -n $out ]] && compadd -- "${(@f)out}"
  else
    _files
  fi
}
compdef _fuseboxctl fuseboxctl
)";

constexpr char kFish[] = R"(# fuseboxctl in fish: fuseboxctl completion fish | source
function __fuseboxctl
  set -l words (commandline --tokenize --cut-at-cursor --current-process)
  set -l last (commandline --current-token --cut-at-cursor)
  if not $words[1] __complete $words[2..] "$last" 2>/dev/null
    __fish_complete_path "$last"
  end
end
complete --command fuseboxctl --no-files --arguments '(__fuseboxctl)'
)";

constexpr char kCompletionFooter[] = R"(bash  source <(fuseboxctl completion bash)     in ~/.bashrc
zsh   source <(fuseboxctl completion zsh)      in ~/.zshrc, after compinit
fish  fuseboxctl completion fish | source      in config.fish

Names come from the server that the line or FUSEBOX_SERVER names, if it answers at once.)";

struct CompletionFlags {
  std::string shell;
};

int Completion(Invocation& cli, const CompletionFlags& flags) {
  cli.out.Text(flags.shell == "bash" ? kBash : flags.shell == "zsh" ? kZsh : kFish);
  return kOk;
}

}  // namespace

void AddCompletion(Commands& commands) {
  auto [verb, flags] = commands.Add<CompletionFlags>(
      "completion", "Prints what teaches a shell to complete command lines", Completion);
  verb.Add("SHELL", flags.shell, "bash, zsh or fish")
      .Required()
      .OneOf({"bash", "zsh", "fish"})
      .Metavar("SHELL");
  verb.Footer(kCompletionFooter);
}

}  // namespace fusebox::cli
