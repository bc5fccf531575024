# Which files the checks look at. Sourced, in the root of the repository; each list ends its names
# with a NUL.

# Prints what is not generated, installed or git's own.
our_files() {
  find . \( -name .git -o -name .tools -o -name build -o -name .cache -o -name __pycache__ \
    -o -name node_modules -o -name '.*_cache' \) -prune -o -type f -print0
}

cpp_files() { our_files | grep --null-data -E '\.(cc|h)$' || true; }

yaml_files() { our_files | grep --null-data -E "(\.ya?ml|/\.clang-(tidy|format)|/\.yamllint)\$" || true; }

# By their extension or, without one, by the interpreter that their first line names.
shell_files() {
  local file
  while IFS= read -r -d '' file; do
    case ${file##*/} in
      *.sh) ;;
      *.*) continue ;;
      *) names_shell "$file" || continue ;;
    esac
    printf '%s\0' "$file"
  done < <(our_files)
}

names_shell() {
  local first=
  { IFS= read -r first <"$1"; } 2>/dev/null || true
  [[ $first =~ ^'#!'.*[/\ ](ba)?sh$ ]]
}

count() { tr -cd '\0' | wc -c; }
