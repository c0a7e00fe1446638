#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

// Writes what becomes of each test case to the file that DEMI_NATIVE_RESULTS names, one line each: "status<TAB>name<TAB>reason". A case's
// "started" is written first, so that of a process that a sanitizer has ended the last line says which case it was.
class ResultLines : public doctest::IReporter {
 public:
  explicit ResultLines(const doctest::ContextOptions&) {
    const char* path = std::getenv("DEMI_NATIVE_RESULTS");
    if (path != nullptr) file_ = std::fopen(path, "a");
  }
  ~ResultLines() override {
    if (file_ != nullptr) std::fclose(file_);
  }

  void test_case_start(const doctest::TestCaseData& test) override {
    name_ = test.m_name;
    reason_.clear();
    line("started");
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    line(stats.failure_flags == doctest::TestCaseFailureReason::None ? "passed" : "failed");
  }
  void log_assert(const doctest::AssertData& assertion) override {
    if (!assertion.m_failed || !reason_.empty()) return;
    reason_ = std::string(assertion.m_file) + ":" + std::to_string(assertion.m_line) + ": " + assertion.m_expr;
    if (assertion.m_decomp.size() > 0) reason_ += std::string(" with ") + assertion.m_decomp.c_str();
  }
  void test_case_exception(const doctest::TestCaseException& exception) override {
    if (reason_.empty()) reason_ = exception.error_string.c_str();
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  void line(const char* status) {
    if (file_ == nullptr) return;
    for (char& c : reason_)
      if (c == '\n' || c == '\t') c = ' ';
    std::fprintf(file_, "%s\t%s\t%s\n", status, name_.c_str(), reason_.c_str());
    std::fflush(file_);
  }

  std::FILE* file_ = nullptr;
  std::string name_;
  std::string reason_;
};

REGISTER_LISTENER("result-lines", 1, ResultLines);

}  // namespace
