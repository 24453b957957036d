"""What is kept, whatever happens to the browser, to its storage or to the page."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.pages import last_answer, send, wait_for_python
from tests.fakes.providers import OpenProvider
from tests.fakes.servers import Hold, Stream
from tests.fakes.wires import DONE, write_chunk

Seed = Callable[[OpenProvider], Page]

_OLD = """() => new Promise((resolve, reject) => {
  const request = indexedDB.open("sidestep", 2);
  request.onerror = () => reject(request.error);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("conversations", { keyPath: "id" }).createIndex("updated", "updated");
    request.result.createObjectStore("settings");
    request.result.createObjectStore("vault");
    request.result.createObjectStore("measurements", { autoIncrement: true }).createIndex("at", "at");
  };
  request.onsuccess = () => {
    const transaction = request.result.transaction(["conversations", "settings"], "readwrite");
    const answer = (id, content) => ({ id, role: "assistant", model: "p/m", content, status: "done" });
    transaction.objectStore("conversations").put({ id: "old", title: "From before", updated: 1790000000000, messages: [
      { id: "q", role: "user", content: "Asked long ago" },
      { ...answer("a2", "Second answer"), earlier: [answer("a1", "First answer")], later: [] }] });
    transaction.objectStore("conversations").put({ id: "bad", title: 7, messages: "?" });
    transaction.objectStore("settings").put({ version: 1, providers: [], relays: [], consents: [] }, "config");
    transaction.oncomplete = () => { request.result.close(); resolve(); };
  };
})"""

_LONG = """async () => {
  const { Store } = await import(own("js/store.js"));
  const { newConversation, asked } = await import(own("js/state/conversations.js"));
  const { newAnswer } = await import(own("js/state/answers.js"));
  const store = await Store.open(() => {});
  let talk = newConversation("long", 1);
  for (let turn = 0; turn < 1000; turn++) {
    const said = { id: `q${turn}`, created: turn * 2, content: `Question ${turn}` };
    const answer = { ...newAnswer(`a${turn}`, "fake/fake-small", turn * 2 + 1), status: "done",
      content: `Answer **${turn}**\\n\\n- one\\n- two` };
    talk = asked(talk, said, [answer]);
  }
  await store.saveConversation({ ...talk, updated: Date.now() }, Object.values(talk.messages));
}"""


def test_what_earlier_versions_stored_is_taken_over(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/build.json")
    page.evaluate(_OLD)
    page.goto(f"{static_server}/")
    page.get_by_role("button", name="From before", exact=True).click()
    expect(last_answer(page)).to_contain_text("Second answer")
    page.get_by_role("button", name="Earlier answer").click()
    expect(last_answer(page)).to_contain_text("First answer")
    page.get_by_role("searchbox", name="Search all chats").fill("long ago")
    expect(page.get_by_text("1 place found")).to_be_visible()


def test_two_thousand_messages_open_at_their_end_and_lead_back(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.evaluate(_LONG)
    page.reload()
    page.get_by_role("button", name="Question 0", exact=True).click()
    log = page.get_by_role("log", name="Conversation")
    expect(log.get_by_text("Question 999", exact=True)).to_be_in_viewport()
    assert log.get_by_role("listitem").filter(has_text="Question").count() < 100
    send(page, "One more")
    expect(last_answer(page)).to_contain_text(open_provider.text)
    assert len(open_provider.chats[0].json["messages"]) == 2001
    page.get_by_role("searchbox", name="Search all chats").fill("Question 500")
    page.get_by_role("region", name="Search results").locator("button.match").first.click()
    expect(log.get_by_text("Question 500", exact=True)).to_be_in_viewport()


def test_a_crash_in_mid_stream_loses_no_more_than_a_second(
    seed: Seed, open_provider: OpenProvider, context: BrowserContext
) -> None:
    hold = Hold()
    open_provider.answers.append(Stream([write_chunk({"content": "Half of it"}), hold, DONE]))
    page = seed(open_provider)
    page.reload()
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text("Half of it")
    other = context.new_page()
    other.goto(f"{page.url.split('#')[0]}build.json")
    other.wait_for_function(
        """() => new Promise((resolve) => {
          const request = indexedDB.open("sidestep");
          request.onsuccess = () => {
            const all = request.result.transaction("messages").objectStore("messages").getAll();
            all.onsuccess = () => {
              request.result.close();
              resolve(all.result.some(({ content }) => content === "Half of it"));
            };
          };
        })"""
    )
    # What a page finds that starts now, while the first has had no moment to say goodbye, nor to speak to other tabs.
    page.evaluate("BroadcastChannel.prototype.postMessage = () => {}")
    other.goto(page.url.split("#")[0])
    expect(last_answer(other)).to_contain_text("Half of it")
    expect(last_answer(other)).to_contain_text("Interrupted")
    hold.release()


def test_without_room_the_page_says_so_and_goes_on(seed: Seed, open_provider: OpenProvider) -> None:
    page = seed(open_provider)
    page.reload()
    send(page, "Kept before")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    page.evaluate(
        """() => {
          IDBObjectStore.prototype.put = () => { throw new DOMException("no room", "QuotaExceededError"); };
        }"""
    )
    send(page, "Not kept")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    expect(page.get_by_role("alert")).to_contain_text("no room left")
    expect(page.get_by_role("log")).to_contain_text("Not kept")
    page.reload()
    page.get_by_role("button", name="Kept before", exact=True).click()
    expect(page.get_by_role("log")).to_contain_text("Kept before")


def test_a_newer_page_in_another_tab_takes_over_and_this_one_says_so(
    seed: Seed, open_provider: OpenProvider, context: BrowserContext
) -> None:
    page = seed(open_provider)
    page.reload()
    send(page, "Said before")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    other = context.new_page()
    other.goto(f"{page.url.split('#')[0]}build.json")
    other.evaluate(
        """() => new Promise((resolve, reject) => {
          const request = indexedDB.open("sidestep", 99);
          request.onsuccess = () => { request.result.close(); resolve(); };
          request.onerror = () => reject(request.error);
        })"""
    )
    expect(page.get_by_role("alert")).to_contain_text("A newer version of this page")
    send(page, "And still it works")
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("A newer version of this page")
    expect(page.get_by_role("textbox", name="Message")).to_be_editable()


def test_storage_that_cannot_be_read_is_not_deleted_unasked(page: Page, static_server: str) -> None:
    page.add_init_script(
        """if (!sessionStorage.getItem("mended")) {
          const open = indexedDB.open.bind(indexedDB);
          indexedDB.open = () => { throw new DOMException("damaged", "UnknownError"); };
          indexedDB.deleteDatabase = new Proxy(indexedDB.deleteDatabase, {
            apply(target, self, given) {
              sessionStorage.setItem("mended", "1");
              return Reflect.apply(target, indexedDB, given);
            },
          });
        }"""
    )
    page.goto(f"{static_server}/")
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("Nothing is deleted.")
    wait_for_python(page)
    notice.get_by_role("button", name="Start afresh…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("button", name="Try the demo")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
