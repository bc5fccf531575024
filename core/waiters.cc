#include "core/waiters.h"

#include <utility>

#include "core/id_line.h"

namespace fusebox {

Waiters::Left::Left(uint64_t id, Question question, std::string key, bool in_turn)
    : id_(id), question_(question), key_(std::move(key)) {
  question_.wait.reset();
  question_.in_turn = in_turn;
}

Question Waiters::Left::question() const {
  Question question = question_;
  question.idempotency_key = key_;
  return question;
}

bool Waiters::Enqueue(const Question& question, Tick until, size_t capacity) {
  const uint64_t id = question.wait->id;
  if (!queue_.Enqueue(id, until, capacity)) return false;
  Asked& asked =
      asked_.try_emplace(id, Asked{question, std::string(question.idempotency_key)}).first->second;
  asked.question.idempotency_key = {};
  return true;
}

std::optional<Waiters::Left> Waiters::TakeNext() {
  const std::optional<uint64_t> id = queue_.PopReady();
  if (!id.has_value()) return std::nullopt;
  return TakeOut(*id, /*in_turn=*/true);
}

std::optional<Waiters::Left> Waiters::TakeExpired(Tick now) {
  const std::optional<uint64_t> id = queue_.PopExpired(now);
  if (!id.has_value()) return std::nullopt;
  return TakeOut(*id, /*in_turn=*/false);
}

bool Waiters::Cancel(uint64_t id) {
  if (!queue_.Cancel(id)) return false;
  asked_.erase(id);
  ShrinkIfSparse(asked_);
  return true;
}

Waiters::Left Waiters::TakeOut(uint64_t id, bool in_turn) {
  auto node = asked_.extract(id);
  ShrinkIfSparse(asked_);
  return {id, node.mapped().question, std::move(node.mapped().key), in_turn};
}

}  // namespace fusebox
