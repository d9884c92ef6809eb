#include "page.h"

// The program holds its page in itself, so that it needs no folder beside it. Swift's own way, an array literal for every
// file (`.embedInCode`), takes the compiler a second of work for 5 KB; this takes none.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t api_js[] = {
#embed "../ECARServer/Resources/api.js"
};
static const uint8_t card_js[] = {
#embed "../ECARServer/Resources/card.js"
};
static const uint8_t dom_js[] = {
#embed "../ECARServer/Resources/dom.js"
};
static const uint8_t form_js[] = {
#embed "../ECARServer/Resources/form.js"
};
static const uint8_t icon_svg[] = {
#embed "../ECARServer/Resources/icon.svg"
};
static const uint8_t index_html[] = {
#embed "../ECARServer/Resources/index.html"
};
static const uint8_t openapi_json[] = {
#embed "../ECARServer/Resources/openapi.json"
};
static const uint8_t picker_js[] = {
#embed "../ECARServer/Resources/picker.js"
};
static const uint8_t picks_js[] = {
#embed "../ECARServer/Resources/picks.js"
};
static const uint8_t plan_js[] = {
#embed "../ECARServer/Resources/plan.js"
};
static const uint8_t run_js[] = {
#embed "../ECARServer/Resources/run.js"
};
static const uint8_t state_js[] = {
#embed "../ECARServer/Resources/state.js"
};
static const uint8_t studio_js[] = {
#embed "../ECARServer/Resources/studio.js"
};
static const uint8_t style_css[] = {
#embed "../ECARServer/Resources/style.css"
};
static const uint8_t tile_js[] = {
#embed "../ECARServer/Resources/tile.js"
};
static const uint8_t viewer_js[] = {
#embed "../ECARServer/Resources/viewer.js"
};
static const uint8_t welcome_js[] = {
#embed "../ECARServer/Resources/welcome.js"
};
static const uint8_t words_js[] = {
#embed "../ECARServer/Resources/words.js"
};

#define FILE(name, bytes) {name, bytes, sizeof bytes}

static const page_file files[] = {
    FILE("api.js", api_js),
    FILE("card.js", card_js),
    FILE("dom.js", dom_js),
    FILE("form.js", form_js),
    FILE("icon.svg", icon_svg),
    FILE("index.html", index_html),
    FILE("openapi.json", openapi_json),
    FILE("picker.js", picker_js),
    FILE("picks.js", picks_js),
    FILE("plan.js", plan_js),
    FILE("run.js", run_js),
    FILE("state.js", state_js),
    FILE("studio.js", studio_js),
    FILE("style.css", style_css),
    FILE("tile.js", tile_js),
    FILE("viewer.js", viewer_js),
    FILE("welcome.js", welcome_js),
    FILE("words.js", words_js),
};

const page_file *page_files(size_t *count) {
    *count = sizeof files / sizeof *files;
    return files;
}
