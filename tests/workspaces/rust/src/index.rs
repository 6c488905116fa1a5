pub struct Index {
    words: Vec<String>,
}

impl Index {
    pub async fn insert(&mut self, word: String) {
        if !word.is_empty() {
            self.words.push(word);
        }
    }
}
